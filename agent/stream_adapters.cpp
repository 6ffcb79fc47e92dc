#include "agent/stream_adapters.hpp"

#include <algorithm>

#include "base/yield_turn.hpp"

namespace pushguard::agent {

namespace asio = boost::asio;

result<cometd::access> stream_tokens::lend(const result<salesforce::access>& session) {
  if (!session) {
    return std::unexpected(session.error());
  }
  lent_ = session->token;
  return cometd::access{session->instance, session->token, session->org_id};
}

asio::awaitable<result<cometd::access>> stream_tokens::current() {
  const auto session = co_await session_.current();
  co_return lend(session);
}

asio::awaitable<result<cometd::access>> stream_tokens::renew() {
  const auto session = co_await session_.renew(lent_);
  co_return lend(session);
}

event_outcome stream_events::take(const cometd::event& event) {
  const auto decoder = decoders_.find(event.subscription);
  if (decoder == decoders_.end()) {
    return event_outcome::unrecognized;
  }
  const auto decoded = decoder->second.decode(event.data);
  if (!decoded) {
    if (std::string complaint = decoded.error().text(); complaint != last_complaint_) {
      log_.warning("stream_event_unrecognized", {{"channel", event.channel}, {"error", complaint}});
      last_complaint_ = std::move(complaint);
    }
    return event_outcome::unrecognized;
  }
  return handler_(*decoded);
}

asio::awaitable<result<>> stream_events::consume(cometd::delivery batch) {
  constexpr std::size_t events_per_turn = 200;  // other work gets its turn within a millisecond
  std::size_t taken = 0;
  for (const cometd::event& event : batch.events) {
    instruments_.event_seen(event.subscription, take(event));
    if (++taken % events_per_turn == 0) {
      co_await yield_turn();
    }
  }
  co_return result<>{};
}

void stream_news::channel_changed(const cometd::channel_status& status) {
  auto& channels = views_.hub().channels;
  auto place = std::ranges::find(channels, status.channel, &channel_view::channel);
  if (place == channels.end()) {
    place = channels.insert(channels.end(), channel_view{status.channel, false, ""});
  }
  place->is_live = status.is_live();
  place->reason = status.reason;
  watch_.note_channel(status.channel, status.is_live(), status.reason);
  views_.flush(time_.wall_now());
}

void stream_news::handshake_begun(cometd::handshake_reason reason) {
  instruments_.handshake_begun(reason);
}

void stream_news::gap_found(const cometd::gap& found) {
  instruments_.gap_found(found.channel);
}

void stream_news::duplicate_dropped(std::string_view channel) {
  instruments_.event_seen(channel, event_outcome::duplicate);
}

void stream_news::poll_ended(wall_time when) {
  views_.hub().last_poll = when;
  views_.flush(when);
}

}  // namespace pushguard::agent
