#include "simulator/fault_effects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "simulator/answer_text.hpp"
#include "simulator/dice.hpp"
#include "simulator/node_router.hpp"

namespace pushguard::simulator {
namespace {

namespace json = boost::json;

constexpr std::string_view too_busy = "503::Server is too busy";
constexpr std::string_view unknown = "403::Unknown client";
constexpr std::size_t nesting_depth = 10'000;                // no parser that recurses should be fed this
constexpr std::size_t huge_size = 8UZ * 1024 * 1024 + 1024;  // above what a client need take for one message
constexpr int cookie_flood = 100;

constexpr std::string_view maintenance_page =
    "<!DOCTYPE html><html><head><title>Down for maintenance</title></head>"
    "<body><h1>We are down for maintenance.</h1></body></html>";
constexpr std::string_view login_form =
    "<!DOCTYPE html><html><head><title>Login | Salesforce</title></head>"
    "<body><form id=\"login_form\" action=\"https://login.example/\"></form></body></html>";

/// An answer while a fault works on it.
class spoiling {
 public:
  spoiling(const fault& what, const bayeux_request& request, http_reply made, std::uint64_t seed)
      : what_(what), request_(request), reply_(std::move(made)), seed_(seed) {
    for (const std::string_view message : split_answer(reply_.body))
      (is_event(message) ? events_ : replies_).emplace_back(message);
    reply_.headers.set("Content-Type", "application/json;charset=UTF-8");
  }

  [[nodiscard]] const fault& what() const { return what_; }
  [[nodiscard]] request_kind kind() const { return request_.kind; }
  [[nodiscard]] std::string_view client_id() const { return request_.client_id(); }
  [[nodiscard]] http_reply& reply() { return reply_; }
  [[nodiscard]] std::vector<std::string>& events() { return events_; }
  [[nodiscard]] std::vector<std::string>& replies() { return replies_; }
  [[nodiscard]] dice roll() const { return {seed_, draw::fault, ~what_.occurrence}; }
  /// One of `count` variants, each in its turn.
  [[nodiscard]] std::size_t variant(std::size_t count) const { return what_.occurrence % count; }

  template <class Edit>
  void edit_replies(Edit edit) {
    for (std::string& each : replies_) {
      json::value read = json::parse(each);
      edit(read.get_object());
      each = json::serialize(read);
    }
  }

  /// Replies to every message of the request that it is refused. `advice` and `reason` may be empty.
  void refuse(std::string_view error, std::string_view advice, std::string_view reason = {}) {
    replies_.clear();
    for (const json::value& message : request_.messages) {
      json::object made = refusal_of(message.get_object());
      if (!error.empty())
        made["error"] = error;
      if (!advice.empty())
        made["advice"] = json::object{{"reconnect", advice}, {"interval", 0}};
      if (!reason.empty())
        made["ext"] = json::object{{"sfdc", json::object{{"failureReason", reason}}}};
      replies_.push_back(json::serialize(made));
    }
  }

  /// As Salesforce refuses a handshake: the reason stands in the extension only.
  void refuse_with_reason(std::string_view reason, std::string_view advice) {
    if (request_.kind == request_kind::handshake)
      refuse("403::Handshake denied", advice, reason);
    else
      refuse(reason, advice);
  }

  /// Puts the message that nobody asked for before the replies.
  void announce_disconnect() { replies_.insert(replies_.begin(), R"({"channel":"/meta/disconnect"})"); }

  void set_body(std::string body) { body_ = std::move(body); }
  [[nodiscard]] std::string body() const {
    return body_ ? *body_ : fmt::format("[{}]", fmt::join(all_messages(), ","));
  }
  /// Another answer than any CometD server's.
  void replace(int status, std::string_view type, std::string_view body) {
    reply_.status = status;
    reply_.headers.set("Content-Type", std::string(type));
    set_body(std::string(body));
  }

  /// The head of the answer for what is written as it is; `framing` are whole header lines.
  [[nodiscard]] std::string raw_head(std::string_view framing) const {
    std::string made = fmt::format("HTTP/1.1 {} {}\r\n", reply_.status, http_reason(reply_.status));
    for (const auto& [name, value] : reply_.headers)
      made += fmt::format("{}: {}\r\n", name, value);
    return made + std::string(framing) + "\r\n";
  }
  void send_raw(std::string bytes) {
    reply_.raw = std::move(bytes);
    reply_.after = after_reply::close;
  }

  [[nodiscard]] http_reply finish() {
    reply_.body = body();
    return std::move(reply_);
  }

 private:
  [[nodiscard]] std::vector<std::string> all_messages() const {
    std::vector<std::string> made = events_;
    made.insert(made.end(), replies_.begin(), replies_.end());
    return made;
  }
  static json::object refusal_of(const json::object& message) {
    json::object made{{"channel", text_of(message, "channel")}, {"successful", false}};
    for (const std::string_view name : {"id", "clientId", "subscription"}) {
      if (const json::value* found = message.if_contains(name); found != nullptr)
        made[name] = *found;
    }
    return made;
  }

  const fault& what_;
  const bayeux_request& request_;
  http_reply reply_;
  std::uint64_t seed_;
  std::vector<std::string> events_;
  std::vector<std::string> replies_;
  std::optional<std::string> body_;
};

// Effects that take more than a line

void cut_in_half(spoiling& at) {
  const std::string body = at.body();
  at.send_raw(at.raw_head(fmt::format("Content-Length: {}\r\n", body.size())) +
              body.substr(0, body.size() / 2));
}

void misstate_length(spoiling& at) {
  const std::string body = at.body();
  const std::size_t stated = at.variant(2) == 0 ? body.size() - 1 : body.size() + 7;
  at.send_raw(at.raw_head(fmt::format("Content-Length: {}\r\n", stated)) + body);
}

void garble_chunks(spoiling& at) {
  const std::string body = at.body();
  at.send_raw(at.raw_head("Transfer-Encoding: chunked\r\n") +
              fmt::format("{:x}\r\n{}\r\nnonsense\r\n{}", body.size() / 2, body.substr(0, body.size() / 2),
                          body.substr(body.size() / 2)));
}

/// The first two are no gzip at all, the third breaks off.
void garble_gzip(spoiling& at) {
  static constexpr std::string_view cut_gzip("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae", 12);
  at.reply().headers.add("Content-Encoding", "gzip");
  switch (at.variant(3)) {
    case 0:
      return;  // the body as it is
    case 1:
      return at.set_body("no gzip");
    default:
      return at.set_body(std::string(cut_gzip));
  }
}

void set_foreign_cookies(spoiling& at) {
  for (const char* cookie : {"stranger=1; Domain=elsewhere.example; Path=/", "=nameless", "novalue", ";;;",
                             "broken=1; Expires=yesterday; Max-Age=soon; Domain=; Path",
                             "everyone=1; Domain=.com; Path=/", "quoted=\"a;b\"; Path=/cometd/; Unknown=1"})
    at.reply().headers.add("Set-Cookie", cookie);
}

void set_hundred_cookies(spoiling& at) {
  for (int number = 0; number < cookie_flood; ++number)
    at.reply().headers.add("Set-Cookie",
                           fmt::format("flood{}={}-{}; Path=/", number, at.what().occurrence, number));
}

void deliver_twice(spoiling& at) {
  std::vector<std::string> twice;
  for (const std::string& event : at.events())
    twice.insert(twice.end(), 2, event);
  at.events() = std::move(twice);
}

/// The replies come before some or all of the events.
void reorder(spoiling& at) {
  std::vector<std::string> mixed = std::exchange(at.events(), {});
  const auto place = static_cast<std::ptrdiff_t>(at.roll().below(mixed.size()));
  mixed.insert(mixed.begin() + place, at.replies().begin(), at.replies().end());
  at.replies() = std::move(mixed);
}

void unwrap(spoiling& at) {
  at.set_body(at.replies().empty() ? at.events().front() : at.replies().front());
}

void advise(spoiling& at, std::string_view reconnect, std::int64_t interval) {
  at.edit_replies([&](json::object& reply) {
    reply["advice"] = json::object{{"reconnect", reconnect}, {"interval", interval}};
  });
}

/// Once with a transport that a client of long polling can use, once without.
void offer_transports(spoiling& at) {
  at.edit_replies([&](json::object& reply) {
    reply["supportedConnectionTypes"] = at.variant(2) == 0 ? json::array{"websocket", "long-polling"}
                                                           : json::array{"websocket", "callback-polling"};
  });
}

/// Puts bytes into the payload of every event: `member` into an object, `text` into a string.
void put_in_payload(spoiling& at, std::string_view member, std::string_view text) {
  for (std::string& event : at.events()) {
    for (const std::string_view key : {R"("payload":)", R"("sobject":)"}) {
      const std::size_t place = event.find(key);
      if (place == std::string::npos)
        continue;
      const std::size_t first = place + key.size();
      if (event[first] == '"') {
        event.insert(first + 1, text);
      } else if (event[first] == '{') {
        const bool is_last = event[first + 1] == '}';
        event.insert(first + 1, std::string(member) + (is_last ? "" : ","));
      }
      break;
    }
  }
}

void insert_nul(spoiling& at) {
  const std::string body = at.body();
  at.set_body(body.substr(0, body.size() / 2) + std::string(3, '\0') + body.substr(body.size() / 2));
}

void break_utf8(spoiling& at) {
  put_in_payload(at, "\"Broken__c\":\"\xc3\x28\xff\xf8\"", "\xc3\x28\xff\xf8");
}

void break_surrogates(spoiling& at) {
  put_in_payload(at, R"("Broken__c":"\ud800 \udc00x")", R"(\ud800 \udc00x)");
}

/// Every message says its first member twice.
void double_keys(spoiling& at) {
  for (std::string& each : at.replies()) {
    const std::size_t end = each.find(',');
    if (end != std::string::npos)
      each.insert(1, each.substr(1, end));
  }
  put_in_payload(at, R"("Twice__c":1,"Twice__c":2)", "");
}

void overflow(spoiling& at) {
  at.edit_replies([](json::object& reply) {
    reply.erase("advice");
    reply.erase("ext");
  });
  for (std::string& each : at.replies())
    each.insert(each.size() - 1, R"(,"advice":{"reconnect":"retry","interval":1e999,)"
                                 R"("timeout":99999999999999999999999999},"ext":{"large":-1e999})");
  put_in_payload(at, R"("Overflow__c":1e999,"Long__c":123456789012345678901234567890)", "");
}

void nest_deeply(spoiling& at) {
  const std::string deep = std::string(nesting_depth, '[') + std::string(nesting_depth, ']');
  for (std::string& each : at.replies())
    each.insert(each.size() - 1, R"(,"nested":)" + deep);
}

json::value of_wrong_type(const json::value& right) {
  switch (right.kind()) {
    case json::kind::string:
      return 17;
    case json::kind::bool_:
      return "perhaps";
    case json::kind::array:
      return true;
    case json::kind::object:
      return json::array{1, "two"};
    case json::kind::null:
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      break;
  }
  return json::object{{"value", right}};
}

void mistype(spoiling& at) {
  at.edit_replies([](json::object& reply) {
    for (auto& member : reply)
      member.value() = of_wrong_type(member.value());
  });
}

void blow_up(spoiling& at) {
  std::string& last = at.replies().back();
  last.insert(last.size() - 1, R"(,"padding":")" + std::string(huge_size, 'x') + '"');
}

void erase_from_replies(spoiling& at, std::string_view name) {
  at.edit_replies([name](json::object& reply) { reply.erase(name); });
}

void change_id(spoiling& at) {
  at.edit_replies([](json::object& reply) { reply["id"] = "none-of-yours"; });
}

void refuse_unknown(spoiling& at) {
  at.refuse(unknown, at.kind() == request_kind::connect ? "handshake" : "none");
}

void refuse_cookie(spoiling& at) {
  at.refuse(fmt::format("400::Client {} has established a session, but no BAYEUX_BROWSER cookie present",
                        at.client_id()),
            "none");
}

void refuse_busy(spoiling& at) {
  at.refuse(at.kind() == request_kind::handshake ? "403::Handshake denied" : too_busy, "none", too_busy);
}

void refuse_busy_as_denied(spoiling& at) {
  at.refuse(at.kind() == request_kind::handshake ? "403:denied_by_security_policy:create_denied"
                                                 : "403:denied_by_security_policy:subscribe_denied",
            "none", too_busy);
}

void send_elsewhere(spoiling& at) {
  at.reply().headers.add("Location", "https://elsewhere.example/cometd/67.0");
  at.replace(at.variant(2) == 0 ? 301 : 307, "text/html;charset=UTF-8", "");
}

void end_connection(spoiling& at, after_reply how) {
  at.reply().status = 0;
  at.reply().after = how;
}

using effect = void (*)(spoiling& at);

/// What the fault does, it does to time.
void leave(spoiling& /*at*/) {}

using enum fault_kind;
using at_work = spoiling&;

/// In the order of fault_kind.
constexpr std::pair<fault_kind, effect> effects[] = {
    {disconnect_and_unknown_client,
     [](at_work at) {
       at.refuse(unknown, "none");
       at.announce_disconnect();
     }},
    {disconnect_and_unauthorized,
     [](at_work at) {
       at.refuse("401::Authentication invalid", "none");
       at.announce_disconnect();
     }},
    {bare_disconnect,
     [](at_work at) {
       at.replies().clear();
       at.announce_disconnect();
     }},
    {unknown_client, refuse_unknown},
    {unknown_client_none, [](at_work at) { at.refuse(unknown, "none"); }},
    {expired_token, [](at_work at) { at.refuse_with_reason("401::Authentication invalid", "none"); }},
    {stale_handshake_advice, refuse_unknown},
    {dead_route, [](at_work at) { at.reply().headers.add("Set-Cookie", dead_route_cookie()); }},
    {disconnect_after_handshake,
     [](at_work at) { at.replies().emplace_back(R"({"channel":"/meta/disconnect"})"); }},
    {busy, refuse_busy},
    {busy_as_denied, refuse_busy_as_denied},
    {busy_as_unauthorized, [](at_work at) { at.refuse("401::Authentication invalid", "none", too_busy); }},
    {denied_without_text, [](at_work at) { at.refuse("", ""); }},
    {missing_cookie, refuse_cookie},
    {user_mismatch,
     [](at_work at) { at.refuse("400::Authenticated user id does not match session's user id", "none"); }},
    {quota, [](at_work at) { at.refuse("403::Organization total events daily limit exceeded", ""); }},
    {client_limit,
     [](at_work at) { at.refuse_with_reason("403::Organization concurrent user limit exceeded", "none"); }},
    {late_reply, leave},
    {never_answer, [](at_work at) { end_connection(at, after_reply::reset); }},
    {trickle, leave},
    {slow_subscribe, leave},
    {empty_polls, leave},
    {reset_before_answer, [](at_work at) { end_connection(at, after_reply::reset); }},
    {close_before_answer, [](at_work at) { end_connection(at, after_reply::close); }},
    {cut_body, cut_in_half},
    {wrong_content_length, misstate_length},
    {chunk_garbage, garble_chunks},
    {gzip_garbage, garble_gzip},
    {http_status,
     [](at_work at) { at.replace(at.what().plan.status, "text/html;charset=UTF-8", maintenance_page); }},
    {login_page, [](at_work at) { at.replace(200, "text/html;charset=UTF-8", login_form); }},
    {http_401_rest_json,
     [](at_work at) {
       at.replace(401, "application/json;charset=UTF-8",
                  R"([{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}])");
     }},
    {redirect, send_elsewhere},
    {foreign_cookies, set_foreign_cookies},
    {hundred_cookies, set_hundred_cookies},
    {duplicate_delivery, deliver_twice},
    {reordered_reply, reorder},
    {events_without_reply, [](at_work at) { at.replies().clear(); }},
    {reply_without_subscription, [](at_work at) { erase_from_replies(at, "subscription"); }},
    {reply_without_channel,
     [](at_work at) {
       at.replies() = {R"({"error":"401::Request requires authentication","successful":false})"};
     }},
    {reply_without_id, [](at_work at) { erase_from_replies(at, "id"); }},
    {reply_with_other_id, change_id},
    {empty_array, [](at_work at) { at.set_body("[]"); }},
    {lone_object, unwrap},
    {null_advice,
     [](at_work at) { at.edit_replies([](json::object& reply) { reply["advice"] = nullptr; }); }},
    {interval_advice, [](at_work at) { advise(at, "retry", 2000); }},
    {negative_interval, [](at_work at) { advise(at, "retry", -1); }},
    {unknown_advice, [](at_work at) { advise(at, "perhaps", 0); }},
    {other_transports, offer_transports},
    {byte_order_mark, [](at_work at) { at.set_body("\xef\xbb\xbf" + at.body()); }},
    {nul_bytes, insert_nul},
    {bad_utf8, break_utf8},
    {lone_surrogates, break_surrogates},
    {duplicate_keys, double_keys},
    {overflow_numbers, overflow},
    {deep_nesting, nest_deeply},
    {wrong_types, mistype},
    {truncated_json, [](at_work at) { at.set_body(at.body().substr(0, at.body().size() / 2)); }},
    {huge_message, blow_up},
};

constexpr bool is_complete() {
  std::size_t place = 0;
  for (const auto& [kind, effect] : effects) {
    if (static_cast<std::size_t>(kind) != place++)
      return false;
  }
  return place == static_cast<std::size_t>(huge_message) + 1;
}
static_assert(is_complete(), "spoil_answer() looks effects up by their place");

}  // namespace

http_reply spoil_answer(const fault& what, const bayeux_request& request, http_reply made,
                        std::uint64_t seed) {
  spoiling at(what, request, std::move(made), seed);
  effects[static_cast<std::size_t>(what.plan.kind)].second(at);
  return at.finish();
}

}  // namespace pushguard::simulator
