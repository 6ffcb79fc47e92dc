#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace pushguard {

/// Undoes gzip (RFC 1952) piece by piece, in bounded memory. Several members in a row are one text.
class gzip_decoder {
 public:
  /// Takes decompressed bytes, at most 16 KiB at a time. A failure ends the decoding: that is how a
  /// caller bounds what a small input may grow to.
  using sink = std::function<result<>(std::string_view piece)>;

  explicit gzip_decoder(sink out);
  ~gzip_decoder();
  gzip_decoder(const gzip_decoder&) = delete;
  gzip_decoder& operator=(const gzip_decoder&) = delete;

  /// Fails with errc::malformed, or with what the sink answered.
  [[nodiscard]] result<> feed(std::string_view compressed);

  /// To be called after the last byte. Fails with errc::malformed where the data is cut short.
  /// No data at all is an empty text.
  [[nodiscard]] result<> finish() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// Makes gzip (RFC 1952) piece by piece, at the speed that a scrape wants: the texts here shrink to a
/// fortieth at zlib's fastest level, and to little less at its slowest.
class gzip_encoder {
 public:
  gzip_encoder();
  ~gzip_encoder();
  gzip_encoder(const gzip_encoder&) = delete;
  gzip_encoder& operator=(const gzip_encoder&) = delete;

  /// Appends to `out` what is ready of `text` and of what came before; that may be nothing.
  void feed(std::string_view text, std::string& out);
  /// Appends what is left, and the end. To be called once, after the last feed().
  void finish(std::string& out);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// A whole text as gzip.
[[nodiscard]] std::string gzip(std::string_view text);

}  // namespace pushguard
