#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <string>
#include <string_view>

#include "agent/tracker/records.hpp"

namespace pushguard::tracker {

/// Keeps one copy of texts that recur in many records: instance names, versions, error titles.
class text_pool {
 public:
  text_pool();
  // A copy's index would look into the texts of the original.
  text_pool(const text_pool&) = delete;
  text_pool& operator=(const text_pool&) = delete;
  text_pool(text_pool&&) noexcept = default;
  text_pool& operator=(text_pool&&) noexcept = default;
  ~text_pool() = default;

  /// The text's index, the same for equal texts. Texts are cut to text_bytes_max. When the pool is full
  /// the answer is the empty text: a hub has a few hundred such texts, so only garbage fills it.
  [[nodiscard]] text_index intern(std::string_view text);
  /// Valid for the pool's life.
  [[nodiscard]] std::string_view at(text_index index) const {
    return texts_[static_cast<std::size_t>(index)];
  }

  static constexpr std::size_t text_bytes_max = 128;
  static constexpr std::size_t texts_max = 60'000;

 private:
  std::deque<std::string> texts_;  // a deque: views into it stay valid
  boost::unordered_flat_map<std::string_view, text_index> index_;
};

}  // namespace pushguard::tracker
