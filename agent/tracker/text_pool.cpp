#include "agent/tracker/text_pool.hpp"

#include "base/text.hpp"

namespace pushguard::tracker {

text_pool::text_pool() {
  index_.emplace(std::string_view(texts_.emplace_back()), text_index{});
}

text_index text_pool::intern(std::string_view text) {
  const auto cut = cut_at_character(text, text_bytes_max);
  if (const auto found = index_.find(cut); found != index_.end())
    return found->second;
  if (texts_.size() >= texts_max)
    return text_index{};
  const auto index = static_cast<text_index>(texts_.size());
  index_.emplace(std::string_view(texts_.emplace_back(cut)), index);
  return index;
}

}  // namespace pushguard::tracker
