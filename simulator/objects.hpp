#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "simulator/world.hpp"

namespace pushguard::simulator {

/// Where instants of the world stand on the calendar of the clock that the hub is given.
struct calendar {
  wall_time start;        ///< when the world began
  double time_scale = 1;  ///< as in the scenario

  /// On the clock, in milliseconds.
  [[nodiscard]] wall_time at(duration in_world) const;
  /// As records hold it: Salesforce's datetimes have whole seconds.
  [[nodiscard]] wall_time record_time(duration in_world) const;
  /// The world's instant at `since_start` on the clock, and the clock's at an instant of the world (rounded
  /// up, so that a sleeper does not wake too early).
  [[nodiscard]] duration world_time(duration since_start) const;
  [[nodiscard]] duration clock_time(duration in_world) const;
};

/// What queries read: the rows and the calendar they are told on.
struct database {
  const world& rows;
  const calendar& times;
};

/// The value of a field. monostate is null.
using field_value = std::variant<std::monostate, bool, std::int64_t, wall_time, std::string>;

enum class field_type { id, reference, text, picklist, date_time, integer, boolean };

enum class object_name : unsigned char {
  push_request,
  push_job,
  push_error,
  package_subscriber,
  metadata_package,
  metadata_package_version,
  organization
};

/// What SOQL and DML may do with a field, as the Object Reference lists it.
struct field_rights {
  bool filter = false;
  bool sort = false;
  bool group = false;
  bool update = false;
};

struct field_description {
  std::string_view name;
  field_type type = field_type::text;
  field_rights rights;
  field_value (*read)(const database&, row_index) = nullptr;
  std::string_view relationship = {};  ///< of a reference: the name that reaches the parent
  object_name parent_object = object_name::push_request;
  row_index (*parent)(const database&, row_index) = nullptr;
  unsigned since_version = 0;  ///< the first API version that has it
};

struct object_description {
  object_name is;
  std::string_view name;
  std::string_view label;
  std::string_view key_prefix;
  std::span<const field_description> fields;
  bool is_updateable = false;
};

[[nodiscard]] std::span<const object_description> all_objects() noexcept;
[[nodiscard]] const object_description& describe(object_name object) noexcept;
/// By its name, in any letter case; nullptr for others.
[[nodiscard]] const object_description* find_object(std::string_view name) noexcept;
/// A field that `api_version` has, by its name in any letter case; nullptr for others.
[[nodiscard]] const field_description* find_field(const object_description& object, std::string_view name,
                                                  unsigned api_version) noexcept;
/// The reference that a relationship name stands for ("PackageVersion"); nullptr for others.
[[nodiscard]] const field_description* find_relationship(const object_description& object,
                                                         std::string_view name) noexcept;

/// Whether the user of the scenario sees the object, and a field of it.
[[nodiscard]] bool is_visible(const object_description& object, const api_plan& plan) noexcept;
[[nodiscard]] bool is_visible(const object_description& object, const field_description& field,
                              const api_plan& plan) noexcept;
/// find_object() and find_field() without what the scenario hides.
[[nodiscard]] const object_description* find_visible_object(std::string_view name,
                                                            const api_plan& plan) noexcept;
[[nodiscard]] const field_description* find_visible_field(const object_description& object,
                                                          std::string_view name, unsigned api_version,
                                                          const api_plan& plan) noexcept;
/// find_relationship() to a parent that the user sees.
[[nodiscard]] const field_description* find_visible_relationship(const object_description& object,
                                                                 std::string_view name,
                                                                 const api_plan& plan) noexcept;

/// With the scenario's choice about SystemModstamp taken into account.
[[nodiscard]] bool is_filterable(const object_description& object, const field_description& field,
                                 const api_plan& plan) noexcept;
/// The values of a picklist field; empty for others.
[[nodiscard]] std::vector<std::string_view> picklist_values(const object_description& object,
                                                            const field_description& field,
                                                            const api_plan& plan);

[[nodiscard]] row_index row_count(const database& data, object_name object) noexcept;
/// The 18-character id of a row.
[[nodiscard]] std::string row_id(object_name object, row_index row);
/// The row with that id, in either form.
[[nodiscard]] std::optional<row_index> find_row(const database& data, object_name object,
                                                std::string_view id);

/// `2025-09-02T01:01:01.000+0000`.
[[nodiscard]] std::string format_record_time(wall_time time);
/// The value as JSON.
void append_json(std::string& out, const field_value& value);

}  // namespace pushguard::simulator
