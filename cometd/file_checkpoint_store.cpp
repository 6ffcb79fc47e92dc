#include "cometd/file_checkpoint_store.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>
#include <utility>

#include "base/file.hpp"
#include "base/file_lock.hpp"

namespace pushguard::cometd {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// A few hundred bytes for each channel; nobody subscribes to thousands.
constexpr std::size_t file_size_max = std::size_t{16} * 1024 * 1024;

std::int64_t to_milliseconds(wall_time time) {
  return time.time_since_epoch().count();
}
wall_time from_milliseconds(const json::value& value) {
  return wall_time(std::chrono::milliseconds(value.to_number<std::int64_t>()));
}

json::object to_json(const checkpoint& at) {
  json::object made{{"channel", at.channel},
                    {"replay_id", at.replay_id},  // its token as a text, so that no number is rounded
                    {"event_uuid", at.event_uuid},
                    {"org_id", at.org_id},
                    {"updated", to_milliseconds(at.updated)}};
  if (at.quiet_since)
    made["quiet_since"] = to_milliseconds(*at.quiet_since);
  return made;
}

// Throws where a part is missing or of another type.
checkpoint from_json(const json::value& value) {
  const json::object& in = value.as_object();
  checkpoint at;
  at.channel = json::value_to<std::string>(in.at("channel"));
  at.replay_id = json::value_to<std::string>(in.at("replay_id"));
  at.event_uuid = json::value_to<std::string>(in.at("event_uuid"));
  at.org_id = json::value_to<std::string>(in.at("org_id"));
  at.updated = from_milliseconds(in.at("updated"));
  if (const json::value* since = in.if_contains("quiet_since"))
    at.quiet_since = from_milliseconds(*since);
  return at;
}

class checkpoint_file final : public checkpoint_store {
 public:
  explicit checkpoint_file(file_lock lock) : lock_(std::move(lock)) {}

  result<> read();
  asio::awaitable<result<std::vector<checkpoint>>> load() override { return kept_.load(); }
  asio::awaitable<result<>> save(std::vector<checkpoint> batch) override;

 private:
  file_lock lock_;
  memory_checkpoint_store kept_;
};

result<> checkpoint_file::read() {
  const auto text = read_file(lock_.path(), file_size_max);
  if (!text)
    return text.error().is(errc::not_found) ? result<>{} : std::unexpected(text.error());
  try {
    for (const json::value& each : json::parse(*text).as_array())
      kept_.put(from_json(each));
  } catch (const std::exception& error) {
    return fail(errc::storage,
                fmt::format("{} does not hold checkpoints: {}", lock_.path().string(), error.what()));
  }
  return {};
}

asio::awaitable<result<>> checkpoint_file::save(std::vector<checkpoint> batch) {
  memory_checkpoint_store next = kept_;
  for (checkpoint& each : batch)
    next.put(std::move(each));
  json::array all;
  for (const auto& [channel, each] : next.all())
    all.push_back(to_json(each));
  auto written = replace_file(lock_.path(), json::serialize(all) + "\n");
  if (written)
    kept_ = std::move(next);
  co_return written;
}

}  // namespace

result<std::unique_ptr<checkpoint_store>> open_checkpoint_file(const std::filesystem::path& file) {
  auto lock = try_lock(file);
  if (!lock)
    return std::unexpected(lock.error());
  auto opened = std::make_unique<checkpoint_file>(std::move(*lock));
  if (auto read = opened->read(); !read)
    return std::unexpected(read.error());
  return opened;
}

}  // namespace pushguard::cometd
