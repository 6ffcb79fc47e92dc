#include "tests/bench/decision/observed_listener.hpp"

#include <utility>

namespace pushguard::bench {
namespace {

namespace asio = boost::asio;

class observed_transport final : public transport {
 public:
  observed_transport(std::unique_ptr<transport> inner, wire_observer& observer)
      : inner_(std::move(inner)), observer_(observer) {}

  asio::awaitable<result<std::size_t>> read_some(std::span<char> into) override {
    auto got = co_await inner_->read_some(into);
    const steady_time at = std::chrono::steady_clock::now();
    if (got)
      observer_.was_read(this, {into.data(), *got}, at);
    co_return got;
  }
  asio::awaitable<result<>> write(std::string_view bytes) override {
    observer_.is_written(this, bytes);
    return inner_->write(bytes);
  }
  void end_writing() noexcept override { inner_->end_writing(); }
  void close() noexcept override { inner_->close(); }
  void reset() noexcept override { inner_->reset(); }
  std::string peer() const override { return inner_->peer(); }

 private:
  std::unique_ptr<transport> inner_;
  wire_observer& observer_;
};

class observed_listener final : public listener {
 public:
  observed_listener(std::unique_ptr<listener> inner, wire_observer& observer)
      : inner_(std::move(inner)), observer_(observer) {}

  asio::awaitable<result<std::unique_ptr<transport>>> accept() override {
    auto accepted = co_await inner_->accept();
    if (!accepted)
      co_return std::unexpected(accepted.error());
    co_return std::make_unique<observed_transport>(std::move(*accepted), observer_);
  }
  origin local() const override { return inner_->local(); }
  void close() noexcept override { inner_->close(); }

 private:
  std::unique_ptr<listener> inner_;
  wire_observer& observer_;
};

}  // namespace

std::unique_ptr<listener> observe(std::unique_ptr<listener> inner, wire_observer& observer) {
  return std::make_unique<observed_listener>(std::move(inner), observer);
}

}  // namespace pushguard::bench
