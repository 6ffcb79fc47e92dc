#pragma once

#include <functional>
#include <memory>
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

}  // namespace pushguard
