#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pushguard::simulator {

/// The 15-character key of the `number`-th record of the object with this three-character prefix. Numbers
/// are written in base 62, so keys of neighbours differ only in letter case now and then, as real ones do.
[[nodiscard]] std::string record_key(std::string_view prefix, std::uint64_t number);

/// The same with its checksum: 18 characters.
[[nodiscard]] std::string record_id(std::string_view prefix, std::uint64_t number);

/// The number of a record of that object, from 15 or 18 characters; nothing for any other text.
[[nodiscard]] std::optional<std::uint64_t> record_number(std::string_view prefix, std::string_view text);

}  // namespace pushguard::simulator
