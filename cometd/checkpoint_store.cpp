#include "cometd/checkpoint_store.hpp"

namespace pushguard::cometd {

namespace asio = boost::asio;

asio::awaitable<result<std::vector<checkpoint>>> memory_checkpoint_store::load() {
  std::vector<checkpoint> all;
  all.reserve(by_channel_.size());
  for (const auto& [channel, each] : by_channel_)
    all.push_back(each);
  co_return all;
}

asio::awaitable<result<>> memory_checkpoint_store::save(std::vector<checkpoint> batch) {
  for (auto& each : batch)
    put(std::move(each));
  co_return result<>{};
}

void memory_checkpoint_store::put(checkpoint at) {
  auto channel = at.channel;
  by_channel_.insert_or_assign(std::move(channel), std::move(at));
}

const checkpoint* memory_checkpoint_store::find(const std::string& channel) const {
  const auto found = by_channel_.find(channel);
  return found == by_channel_.end() ? nullptr : &found->second;
}

}  // namespace pushguard::cometd
