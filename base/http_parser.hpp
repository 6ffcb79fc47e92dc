#pragma once

// For the .cpp files here that speak HTTP: it includes Beast.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <functional>

#include "base/http.hpp"
#include "base/net.hpp"
#include "base/text.hpp"

namespace pushguard {

enum class parse_fault { none, header_too_large, body_too_large, malformed, refused_by_sink };

/// Beast's parser, with bounds on the header as a whole and the body handed on piece by piece.
template <bool IsRequest>
class http_parser final : public boost::beast::http::basic_parser<IsRequest> {
 public:
  using sink = std::function<result<>(std::string_view piece)>;

  http_parser(std::size_t header_max, std::size_t body_max) : header_max_(header_max) {
    this->header_limit(static_cast<std::uint32_t>(header_max));
    this->body_limit(body_max);
  }

  /// Takes the body; to be set once the header is known. Without one the body is dropped.
  void on_body(sink to) { sink_ = std::move(to); }

  /// Takes what it can from the front of `bytes` and answers how much that was. It stops behind the
  /// header, and goes on with the body when called again.
  [[nodiscard]] result<std::size_t> feed(std::string_view bytes) {
    const bool is_in_header = !this->is_header_done();
    this->eager(!is_in_header);
    boost::system::error_code ec;
    const std::size_t used = this->put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
    if (ec && ec != boost::beast::http::error::need_more) {
      return refuse(ec, is_in_header);
    }
    // Beast counts anew from the last field it took, and does not bound a chunk's header or trailer.
    header_size_ += is_in_header ? used : 0;
    const std::size_t unparsed = bytes.size() - used;
    if (header_size_ + (this->is_header_done() ? 0 : unparsed) > header_max_) {
      return refuse(boost::beast::http::error::header_limit, true);
    }
    if (ec && unparsed > header_max_) {
      return refuse(boost::beast::http::error::header_limit, is_in_header);
    }
    return used;
  }

  /// Tells it that no more bytes come. Fails where the message is not complete.
  [[nodiscard]] result<> feed_end() {
    boost::system::error_code ec;
    this->put_eof(ec);
    if (ec) {
      return fail(errc::closed, "the peer ended the connection in the middle of a message");
    }
    return {};
  }

  [[nodiscard]] parse_fault fault() const noexcept { return fault_; }

  std::string method;
  std::string target;
  int status = 0;
  int version = 11;  ///< 10 or 11
  http_headers headers;

 private:
  using error_code = boost::system::error_code;
  using text = boost::beast::string_view;

  std::unexpected<failure> refuse(error_code ec, bool is_in_header) {
    namespace http = boost::beast::http;
    if (sink_failure_) {
      fault_ = parse_fault::refused_by_sink;
      return std::unexpected(*sink_failure_);
    }
    if (ec == http::error::body_limit) {
      fault_ = parse_fault::body_too_large;
      return fail(errc::too_large, "the body is larger than allowed");
    }
    if (ec == http::error::header_limit) {
      fault_ = is_in_header ? parse_fault::header_too_large : parse_fault::body_too_large;
      return fail(errc::too_large, is_in_header ? "the header is larger than allowed"
                                                : "a chunk's header is larger than allowed");
    }
    fault_ = parse_fault::malformed;
    return fail(errc::malformed, "not valid HTTP: " + ec.message());
  }

  std::size_t deliver(text piece, error_code& ec) {
    if (sink_) {
      if (auto taken = sink_(std::string_view(piece.data(), piece.size())); !taken) {
        sink_failure_ = std::move(taken.error());
        ec = boost::beast::http::error::bad_value;  // any: refuse() answers the sink's own failure
      }
    }
    return piece.size();
  }

  void on_request_impl(boost::beast::http::verb, text verb, text where, int number, error_code&) override {
    method.assign(verb.data(), verb.size());
    target.assign(where.data(), where.size());
    version = number;
  }
  void on_response_impl(int code, text, int number, error_code&) override {
    status = code;
    version = number;
  }
  void on_field_impl(boost::beast::http::field, text name, text value, error_code&) override {
    // What comes behind the body (a chunked message's trailer) is not wanted.
    if (!is_header_complete_) {
      headers.add(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
    }
  }
  void on_header_impl(error_code& ec) override {
    is_header_complete_ = true;
    // Other codings would leave the message's length to guesswork (RFC 9112 §6.1).
    const auto codings = headers.all("Transfer-Encoding");
    const bool is_known =
        codings.empty() || (codings.size() == 1 && equals_ignoring_case(codings.front(), "chunked"));
    if (!is_known) {
      ec = boost::beast::http::error::bad_transfer_encoding;
    }
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(text piece, error_code& ec) override { return deliver(piece, ec); }
  void on_chunk_header_impl(std::uint64_t, text, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, text piece, error_code& ec) override {
    return deliver(piece, ec);
  }
  void on_finish_impl(error_code&) override {}

  std::size_t header_max_;
  std::size_t header_size_ = 0;
  bool is_header_complete_ = false;
  sink sink_;
  std::optional<failure> sink_failure_;
  parse_fault fault_ = parse_fault::none;
};

/// Reads once and puts what came behind `buffer`. 0 means that the peer ended its side.
[[nodiscard]] boost::asio::awaitable<result<std::size_t>> read_behind(transport& wire, std::string& buffer);

/// Reads until `parser` has the whole header; bytes behind it stay in `buffer`.
template <bool IsRequest>
boost::asio::awaitable<result<>> read_header(transport& wire, std::string& buffer,
                                             http_parser<IsRequest>& parser) {
  while (true) {
    if (!buffer.empty()) {
      const auto used = parser.feed(buffer);
      if (!used) {
        co_return std::unexpected(used.error());
      }
      buffer.erase(0, *used);
      if (parser.is_header_done()) {
        co_return result<>{};
      }
    }
    const auto got = co_await read_behind(wire, buffer);
    if (!got) {
      co_return std::unexpected(got.error());
    }
    if (*got == 0) {
      co_return fail(errc::closed, "the peer ended the connection");
    }
  }
}

/// Reads until the message is complete; bytes behind it stay in `buffer`.
template <bool IsRequest>
boost::asio::awaitable<result<>> read_body(transport& wire, std::string& buffer,
                                           http_parser<IsRequest>& parser) {
  while (!parser.is_done()) {
    if (!buffer.empty()) {
      const auto used = parser.feed(buffer);
      if (!used) {
        co_return std::unexpected(used.error());
      }
      buffer.erase(0, *used);
      if (parser.is_done()) {
        break;
      }
    }
    const auto got = co_await read_behind(wire, buffer);
    if (!got) {
      co_return std::unexpected(got.error());
    }
    if (*got == 0) {
      co_return parser.feed_end();
    }
  }
  co_return result<>{};
}

/// RFC 9110 §5.6.2: what methods and header names are made of.
[[nodiscard]] bool is_http_token(std::string_view text) noexcept;
/// Without line ends and other control characters, which would forge a header.
[[nodiscard]] bool is_header_value(std::string_view text) noexcept;
/// Visible ASCII characters, at least one.
[[nodiscard]] bool is_request_target(std::string_view text) noexcept;
/// Appends `name: value` and its line end. Both have been checked.
void append_header(std::string& out, std::string_view name, std::string_view value);

}  // namespace pushguard
