#include "base/gzip.hpp"

#include <zlib.h>

#include <array>
#include <new>

namespace pushguard {
namespace {

constexpr std::size_t piece_size = 16UZ * 1024;
constexpr int gzip_only = 16 + MAX_WBITS;  // zlib's way to ask for the gzip wrapper

}  // namespace

struct gzip_decoder::state {
  explicit state(sink s) : out(std::move(s)) {
    if (inflateInit2(&stream, gzip_only) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~state() { inflateEnd(&stream); }
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  /// One call of inflate: takes input, hands out at most one piece.
  result<> step() {
    if (is_between_members) {
      inflateReset(&stream);
      is_between_members = false;
    }
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    const int outcome = inflate(&stream, Z_NO_FLUSH);
    if (outcome != Z_OK && outcome != Z_STREAM_END && outcome != Z_BUF_ERROR) {
      return fail(errc::malformed, "the gzip data is damaged");
    }
    is_between_members = outcome == Z_STREAM_END;
    const std::size_t made = piece.size() - stream.avail_out;
    return made == 0 ? result<>{} : out({piece.data(), made});
  }

  sink out;
  z_stream stream{};
  std::array<char, piece_size> piece;
  bool is_between_members = true;
};

gzip_decoder::gzip_decoder(sink out) : state_(std::make_unique<state>(std::move(out))) {}

gzip_decoder::~gzip_decoder() = default;

result<> gzip_decoder::feed(std::string_view compressed) {
  z_stream& stream = state_->stream;
  // zlib does not write to its input.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  // A full output buffer means that more may be waiting inside, even without input.
  while (stream.avail_in > 0 || (stream.avail_out == 0 && !state_->is_between_members)) {
    if (auto stepped = state_->step(); !stepped) {
      return stepped;
    }
  }
  return {};
}

result<> gzip_decoder::finish() const {
  if (!state_->is_between_members) {
    return fail(errc::malformed, "the gzip data is cut short");
  }
  return {};
}

struct gzip_encoder::state {
  state() {
    constexpr int memory_level = 8;  // zlib's default
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, gzip_only, memory_level, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~state() { deflateEnd(&stream); }
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  void run(std::string_view text, int flush, std::string& out) {
    // zlib does not write to its input.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    do {
      stream.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream.avail_out = static_cast<uInt>(piece.size());
      deflate(&stream, flush);
      out.append(piece.data(), piece.size() - stream.avail_out);
    } while (stream.avail_out == 0);
  }

  z_stream stream{};
  std::array<char, piece_size> piece;
};

gzip_encoder::gzip_encoder() : state_(std::make_unique<state>()) {}

gzip_encoder::~gzip_encoder() = default;

void gzip_encoder::feed(std::string_view text, std::string& out) {
  constexpr std::size_t text_max = 1UZ << 30U;  // zlib counts in 32 bits
  for (; text.size() > text_max; text.remove_prefix(text_max))
    state_->run(text.substr(0, text_max), Z_NO_FLUSH, out);
  state_->run(text, Z_NO_FLUSH, out);
}

void gzip_encoder::finish(std::string& out) {
  state_->run({}, Z_FINISH, out);
}

std::string gzip(std::string_view text) {
  std::string out;
  gzip_encoder encoder;
  encoder.feed(text, out);
  encoder.finish(out);
  return out;
}

}  // namespace pushguard
