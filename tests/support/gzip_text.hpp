#pragma once

#include <string>
#include <string_view>

namespace pushguard::test {

/// `text` as one gzip member.
[[nodiscard]] std::string gzip_text(std::string_view text);

}  // namespace pushguard::test
