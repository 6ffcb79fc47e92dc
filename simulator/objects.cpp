#include "simulator/objects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/id.hpp"
#include "base/text.hpp"
#include "simulator/dice.hpp"
#include "simulator/record_ids.hpp"

namespace pushguard::simulator {
namespace {

using enum field_type;

constexpr field_rights none{};
constexpr field_rights all_reading{.filter = true, .sort = true, .group = true};
constexpr field_rights all_and_update{.filter = true, .sort = true, .group = true, .update = true};
constexpr field_rights filter_sort{.filter = true, .sort = true};
constexpr field_rights sort_only{.sort = true};

field_value optional_time(const database& data, const std::optional<duration>& time) {
  if (!time)
    return std::monostate{};
  return data.times.record_time(*time);
}

/// Whole seconds between two instants, where both are known.
field_value seconds_between(const database& data, const std::optional<duration>& start,
                            const std::optional<duration>& end) {
  if (!start || !end)
    return std::monostate{};
  const auto length = data.times.record_time(*end) - data.times.record_time(*start);
  return std::int64_t{std::chrono::duration_cast<std::chrono::seconds>(length).count()};
}

/// An org's key in the form that the scenario tells it in.
field_value told_key(const database& data, row_index org) {
  std::string key = data.rows.org_key(org);
  if (data.rows.plan().api.org_keys == org_key_form::long_id) {
    const auto checksum = record_id_checksum(key);
    key.append(checksum.data(), checksum.size());
  }
  return key;
}

field_value state_text(const database& data, push_state state) {
  return std::string(to_salesforce(state, data.rows.plan().api.spelling));
}

// PackagePushRequest

const request_row& request(const database& data, row_index row) {
  return data.rows.requests()[row];
}

constexpr std::array request_fields{
    field_description{"Id", id, all_reading,
                      [](const database&, row_index row) -> field_value { return request_id_of(row); }},
    field_description{"PackageVersionId", reference, all_and_update,
                      [](const database& data, row_index row) -> field_value {
                        return version_id_of(request(data, row).version);
                      },
                      "PackageVersion", object_name::metadata_package_version,
                      [](const database& data, row_index row) { return request(data, row).version; }},
    field_description{"ScheduledStartTime",
                      date_time,
                      {.filter = true, .sort = true, .update = true},
                      [](const database& data, row_index row) -> field_value {
                        return data.times.record_time(request(data, row).scheduled);
                      }},
    field_description{
        "Status", picklist, all_and_update,
        [](const database& data, row_index row) { return state_text(data, request(data, row).state); }},
    field_description{.name = "StartTime",
                      .type = date_time,
                      .rights = none,
                      .read = [](const database& data,
                                 row_index row) { return optional_time(data, request(data, row).start); },
                      .since_version = 51},
    field_description{.name = "EndTime",
                      .type = date_time,
                      .rights = none,
                      .read = [](const database& data,
                                 row_index row) { return optional_time(data, request(data, row).end); },
                      .since_version = 51},
    field_description{.name = "DurationSeconds",
                      .type = integer,
                      .rights = {.group = true},
                      .read =
                          [](const database& data, row_index row) {
                            return seconds_between(data, request(data, row).start, request(data, row).end);
                          },
                      .since_version = 51},
    field_description{"IsMigration", boolean, all_reading,
                      [](const database&, row_index) -> field_value { return false; }},
    field_description{"SystemModstamp", date_time, filter_sort,
                      [](const database& data, row_index row) -> field_value {
                        return data.times.record_time(request(data, row).modified);
                      }}};

// PackagePushJob

const job_row& job(const database& data, row_index row) {
  return data.rows.jobs()[row];
}

constexpr std::array job_fields{
    field_description{"Id", id, all_reading,
                      [](const database&, row_index row) -> field_value { return job_id_of(row); }},
    field_description{"PackagePushRequestId", reference, all_and_update,
                      [](const database& data, row_index row) -> field_value {
                        return request_id_of(job(data, row).request);
                      },
                      "PackagePushRequest", object_name::push_request,
                      [](const database& data, row_index row) { return job(data, row).request; }},
    field_description{"SubscriberOrganizationKey", text, all_and_update,
                      [](const database& data, row_index row) -> field_value {
                        return told_key(data, job(data, row).org);
                      }},
    field_description{
        "Status", picklist, all_reading,
        [](const database& data, row_index row) { return state_text(data, job(data, row).state); }},
    field_description{
        .name = "StartTime",
        .type = date_time,
        .rights = none,
        .read = [](const database& data, row_index row) { return optional_time(data, job(data, row).start); },
        .since_version = 51},
    field_description{
        .name = "EndTime",
        .type = date_time,
        .rights = none,
        .read = [](const database& data, row_index row) { return optional_time(data, job(data, row).end); },
        .since_version = 51},
    field_description{
        .name = "DurationSeconds",
        .type = integer,
        .rights = {.group = true},
        .read = [](const database& data,
                   row_index row) { return seconds_between(data, job(data, row).start, job(data, row).end); },
        .since_version = 51},
    field_description{"SystemModstamp", date_time, filter_sort,
                      [](const database& data, row_index row) -> field_value {
                        return data.times.record_time(job(data, row).modified);
                      }}};

// PackagePushError

error_texts texts_of(const database& data, row_index row) {
  const error_row& error = data.rows.errors()[row];
  return error_row_texts(error.form, data.rows.plan().package.namespace_prefix, error.variation);
}

constexpr std::array error_fields{
    field_description{"Id", id, all_reading,
                      [](const database&, row_index row) -> field_value { return error_id_of(row); }},
    field_description{"PackagePushJobId", reference, all_reading,
                      [](const database& data, row_index row) -> field_value {
                        return job_id_of(data.rows.errors()[row].job);
                      },
                      "PackagePushJob", object_name::push_job,
                      [](const database& data, row_index row) { return data.rows.errors()[row].job; }},
    field_description{"ErrorSeverity", picklist, all_reading,
                      [](const database& data, row_index row) -> field_value {
                        return std::string(texts_of(data, row).severity);
                      }},
    field_description{"ErrorType", picklist, all_reading,
                      [](const database& data, row_index row) -> field_value {
                        return std::string(error_row_type(data.rows.errors()[row].form));
                      }},
    field_description{"ErrorTitle", text, sort_only,
                      [](const database& data, row_index row) -> field_value {
                        return std::string(texts_of(data, row).title);
                      }},
    field_description{
        "ErrorMessage", text, sort_only,
        [](const database& data, row_index row) -> field_value { return texts_of(data, row).message; }},
    field_description{"ErrorDetails", text, sort_only,
                      [](const database& data, row_index row) -> field_value {
                        auto details = texts_of(data, row).details;
                        if (!details)
                          return std::monostate{};
                        return std::move(*details);
                      }}};

// PackageSubscriber: one row for each org and package. Every org has the package under rollout, and every
// fourth has the hub's other package too, so that a query that forgets the package finds too many.

constexpr row_index orgs_per_other_subscriber = 4;

struct subscription {
  row_index org;
  row_index package;
};

subscription subscriber(const database& data, row_index row) {
  const auto orgs = static_cast<row_index>(data.rows.orgs().size());
  if (row < orgs)
    return {row, package_main};
  return {(row - orgs) * orgs_per_other_subscriber, package_other};
}

const org_row& subscriber_org(const database& data, row_index row) {
  return data.rows.orgs()[subscriber(data, row).org];
}

row_index subscriber_version(const database& data, row_index row) {
  return subscriber(data, row).package == package_main ? subscriber_org(data, row).version
                                                       : version_of_other_package;
}

field_value org_name(const database& data, row_index row) {
  static constexpr std::array firsts{"Northwind", "Globex", "Initech", "Umbra",    "Stark",
                                     "Wayne",     "Tyrell", "Hooli",   "Vandelay", "Cyberdyne"};
  static constexpr std::array lasts{"Traders", "Industries", "Logistics", "Holdings",
                                    "Foods",   "Health",     "Energy",    "Systems"};
  const row_index org = subscriber(data, row).org;
  dice roll(data.rows.plan().seed, draw::org, org);
  const auto number = roll.next();
  return fmt::format("{} {} {}{}", firsts[number % firsts.size()],
                     lasts[number / firsts.size() % lasts.size()], org + 1,
                     data.rows.orgs()[org].is_production ? "" : " Sandbox");
}

constexpr std::array subscriber_fields{
    field_description{"Id", id, all_reading,
                      [](const database&, row_index row) -> field_value {
                        return row_id(object_name::package_subscriber, row);
                      }},
    field_description{"OrgKey", text, all_reading,
                      [](const database& data, row_index row) -> field_value {
                        return told_key(data, subscriber(data, row).org);
                      }},
    field_description{"OrgName", text, all_reading, org_name},
    field_description{"OrgType", picklist, all_reading,
                      [](const database& data, row_index row) -> field_value {
                        return std::string(subscriber_org(data, row).is_production ? "Production"
                                                                                   : "Sandbox");
                      }},
    field_description{"OrgStatus", picklist, all_reading,
                      [](const database& data, row_index row) -> field_value {
                        return std::string(subscriber_org(data, row).is_production ? "Active" : "Demo");
                      }},
    field_description{"InstanceName", text, all_reading,
                      [](const database& data, row_index row) -> field_value {
                        return data.rows.plan().orgs.instances[subscriber_org(data, row).instance].name;
                      }},
    field_description{"InstalledStatus", picklist, all_reading,
                      [](const database&, row_index) -> field_value { return std::string("i"); }},
    field_description{"ParentOrg", text, all_reading,
                      [](const database& data, row_index row) -> field_value {
                        if (subscriber_org(data, row).is_production)
                          return std::monostate{};
                        return data.rows.org_key(subscriber(data, row).org / 2);
                      }},
    field_description{
        .name = "MetadataPackageId",
        .type = reference,
        .rights = all_reading,
        .read = [](const database& data, row_index row) -> field_value {
          return package_id_of(subscriber(data, row).package);
        },
        .relationship = "MetadataPackage",
        .parent_object = object_name::metadata_package,
        .parent = [](const database& data, row_index row) { return subscriber(data, row).package; },
        .since_version = 49},
    field_description{"MetadataPackageVersionId", reference, all_reading,
                      [](const database& data, row_index row) -> field_value {
                        return version_id_of(subscriber_version(data, row));
                      },
                      "MetadataPackageVersion", object_name::metadata_package_version, subscriber_version},
    field_description{"SystemModstamp", date_time, filter_sort,
                      [](const database& data, row_index) -> field_value {
                        return data.times.record_time(duration::zero());
                      }}};

// MetadataPackage and MetadataPackageVersion

constexpr std::string_view other_package_name = "Acme Toolkit";
constexpr std::string_view other_package_namespace = "acmetk";

constexpr row_index version_package(const database&, row_index row) {
  return row == version_of_other_package ? package_other : package_main;
}

version_number numbers_of(const database& data, row_index row) {
  const package_plan& plan = data.rows.plan().package;
  if (row == version_of_other_package)
    return {2, 0, 0};
  return row == version_from ? plan.from : plan.to;
}

std::string package_name(const database& data, row_index row) {
  return row == package_main ? data.rows.plan().package.name : std::string(other_package_name);
}

constexpr std::array package_fields{
    field_description{"Id", id, all_reading,
                      [](const database&, row_index row) -> field_value { return package_id_of(row); }},
    field_description{
        "Name", text, all_reading,
        [](const database& data, row_index row) -> field_value { return package_name(data, row); }},
    field_description{"NamespacePrefix", text, all_reading,
                      [](const database& data, row_index row) -> field_value {
                        return row == package_main ? data.rows.plan().package.namespace_prefix
                                                   : std::string(other_package_namespace);
                      }},
    field_description{.name = "PackageCategory",
                      .type = picklist,
                      .rights = all_reading,
                      .read = [](const database& data, row_index) -> field_value {
                        return std::string(data.rows.plan().package.generation == package_generation::first
                                               ? "Package"
                                               : "Package2");
                      },
                      .since_version = 49}};

constexpr std::array version_fields{
    field_description{"Id", id, all_reading,
                      [](const database&, row_index row) -> field_value { return version_id_of(row); }},
    field_description{"Name", text, all_reading,
                      [](const database& data, row_index row) -> field_value {
                        const version_number number = numbers_of(data, row);
                        return fmt::format("{} {}.{}", package_name(data, version_package(data, row)),
                                           number.major, number.minor);
                      }},
    field_description{"MetadataPackageId", reference, all_reading,
                      [](const database& data, row_index row) -> field_value {
                        return package_id_of(version_package(data, row));
                      },
                      "MetadataPackage", object_name::metadata_package, version_package},
    field_description{"MajorVersion", integer, all_reading,
                      [](const database& data, row_index row) -> field_value {
                        return std::int64_t{numbers_of(data, row).major};
                      }},
    field_description{"MinorVersion", integer, all_reading,
                      [](const database& data, row_index row) -> field_value {
                        return std::int64_t{numbers_of(data, row).minor};
                      }},
    field_description{"PatchVersion", integer, all_reading,
                      [](const database& data, row_index row) -> field_value {
                        return std::int64_t{numbers_of(data, row).patch};
                      }},
    field_description{"BuildNumber", integer, all_reading,
                      [](const database&, row_index row) -> field_value { return std::int64_t{row + 1}; }},
    field_description{"ReleaseState", picklist, all_reading,
                      [](const database&, row_index) -> field_value { return std::string("Released"); }},
    field_description{.name = "IsDeprecated",
                      .type = boolean,
                      .rights = all_reading,
                      .read = [](const database&, row_index) -> field_value { return false; },
                      .since_version = 46}};

// Organization: the hub itself

constexpr std::array organization_fields{
    field_description{
        "Id", id, all_reading,
        [](const database&, row_index row) -> field_value { return row_id(object_name::organization, row); }},
    field_description{"Name", text, all_reading,
                      [](const database&, row_index) -> field_value { return std::string("Acme Dev Hub"); }},
    field_description{"InstanceName", text, all_reading,
                      [](const database&, row_index) -> field_value { return std::string("USA100"); }},
    field_description{"IsSandbox", boolean, all_reading,
                      [](const database&, row_index) -> field_value { return false; }},
    field_description{
        "OrganizationType", picklist, all_reading,
        [](const database&, row_index) -> field_value { return std::string("Enterprise Edition"); }}};

const std::array<object_description, 7> objects{{
    {object_name::push_request, "PackagePushRequest", "Package Push Request", "0DV", request_fields, true},
    {object_name::push_job, "PackagePushJob", "Package Push Job", "0DX", job_fields, true},
    {object_name::push_error, "PackagePushError", "Package Push Error", "0DY", error_fields},
    {object_name::package_subscriber, "PackageSubscriber", "Package Subscriber", "0Hb", subscriber_fields},
    {object_name::metadata_package, "MetadataPackage", "Metadata Package", "033", package_fields},
    {object_name::metadata_package_version, "MetadataPackageVersion", "Metadata Package Version", "04t",
     version_fields},
    {object_name::organization, "Organization", "Organization", "00D", organization_fields},
}};

/// SystemModstamp of these two stands in no reference.
bool has_push_modstamp(const object_description& object) noexcept {
  return object.is == object_name::push_request || object.is == object_name::push_job;
}

}  // namespace

wall_time calendar::at(duration in_world) const {
  return start +
         duration(static_cast<duration::rep>(std::floor(static_cast<double>(in_world.count()) / time_scale)));
}

wall_time calendar::record_time(duration in_world) const {
  return std::chrono::floor<std::chrono::seconds>(at(in_world));
}

duration calendar::world_time(duration since_start) const {
  return duration(
      static_cast<duration::rep>(std::floor(static_cast<double>(since_start.count()) * time_scale)));
}

duration calendar::clock_time(duration in_world) const {
  return duration(static_cast<duration::rep>(std::ceil(static_cast<double>(in_world.count()) / time_scale)));
}

std::span<const object_description> all_objects() noexcept {
  return objects;
}

const object_description& describe(object_name object) noexcept {
  return objects[static_cast<std::size_t>(object)];
}

const object_description* find_object(std::string_view name) noexcept {
  const auto found = std::ranges::find_if(
      objects, [name](const object_description& each) { return equals_ignoring_case(each.name, name); });
  return found == objects.end() ? nullptr : &*found;
}

const field_description* find_field(const object_description& object, std::string_view name,
                                    unsigned api_version) noexcept {
  for (const field_description& each : object.fields) {
    if (equals_ignoring_case(each.name, name) && api_version >= each.since_version)
      return &each;
  }
  return nullptr;
}

const field_description* find_relationship(const object_description& object, std::string_view name) noexcept {
  for (const field_description& each : object.fields) {
    if (!each.relationship.empty() && equals_ignoring_case(each.relationship, name))
      return &each;
  }
  return nullptr;
}

bool is_visible(const object_description& object, const api_plan& plan) noexcept {
  return std::ranges::none_of(plan.hidden_objects, [&object](std::string_view hidden) {
    return equals_ignoring_case(hidden, object.name);
  });
}

bool is_visible(const object_description& object, const field_description& field,
                const api_plan& plan) noexcept {
  if (field.name == "SystemModstamp" && plan.system_modstamp == modstamp_filter::absent &&
      has_push_modstamp(object))
    return false;
  return std::ranges::none_of(plan.hidden_fields, [&](std::string_view hidden) {
    const std::size_t dot = std::min(hidden.find('.'), hidden.size());
    return equals_ignoring_case(hidden.substr(0, dot), object.name) &&
           equals_ignoring_case(hidden.substr(std::min(dot + 1, hidden.size())), field.name);
  });
}

const object_description* find_visible_object(std::string_view name, const api_plan& plan) noexcept {
  const object_description* object = find_object(name);
  return object != nullptr && is_visible(*object, plan) ? object : nullptr;
}

const field_description* find_visible_field(const object_description& object, std::string_view name,
                                            unsigned api_version, const api_plan& plan) noexcept {
  const field_description* field = find_field(object, name, api_version);
  return field != nullptr && is_visible(object, *field, plan) ? field : nullptr;
}

const field_description* find_visible_relationship(const object_description& object, std::string_view name,
                                                   const api_plan& plan) noexcept {
  const field_description* field = find_relationship(object, name);
  const bool is_seen = field != nullptr && is_visible(object, *field, plan) &&
                       is_visible(describe(field->parent_object), plan);
  return is_seen ? field : nullptr;
}

bool is_filterable(const object_description& object, const field_description& field,
                   const api_plan& plan) noexcept {
  const bool is_refused_modstamp = field.name == "SystemModstamp" &&
                                   plan.system_modstamp == modstamp_filter::refused &&
                                   has_push_modstamp(object);
  return field.rights.filter && !is_refused_modstamp;
}

std::vector<std::string_view> picklist_values(const object_description& object,
                                              const field_description& field, const api_plan& plan) {
  std::vector<std::string_view> values;
  if (field.name == "Status") {
    for (const push_state state : all_push_states)
      values.push_back(to_salesforce(state, plan.spelling));
  } else if (field.name == "ErrorType") {
    const auto types = all_error_types();
    values.assign(types.begin(), types.end());
  } else if (field.name == "ErrorSeverity") {
    values = {"Error", "Warning"};
  } else if (field.name == "OrgType") {
    values = {"Production", "Sandbox"};
  } else if (field.name == "OrgStatus") {
    values = {"Active", "Demo", "Free", "Inactive", "Trial"};
  } else if (field.name == "InstalledStatus") {
    values = {"i", "u"};
  } else if (field.name == "PackageCategory") {
    values = {"Application", "Module", "Package", "Package2"};
  } else if (field.name == "ReleaseState") {
    values = {"Beta", "Released"};
  } else if (object.is == object_name::organization && field.type == picklist) {
    values = {"Enterprise Edition"};
  }
  return values;
}

row_index row_count(const database& data, object_name object) noexcept {
  const auto orgs = static_cast<row_index>(data.rows.orgs().size());
  switch (object) {
    case object_name::push_request:
      return static_cast<row_index>(data.rows.requests().size());
    case object_name::push_job:
      return static_cast<row_index>(data.rows.jobs().size());
    case object_name::push_error:
      return static_cast<row_index>(data.rows.errors().size());
    case object_name::package_subscriber:
      return orgs + (orgs + orgs_per_other_subscriber - 1) / orgs_per_other_subscriber;
    case object_name::metadata_package:
      return package_count;
    case object_name::metadata_package_version:
      return version_count;
    case object_name::organization:
      return 1;
  }
  return 0;
}

std::string row_id(object_name object, row_index row) {
  // The hub's own org key ends in zeros; subscribers' orgs are numbered from 1.
  const row_index first = object == object_name::organization ? 0 : 1;
  return record_id(describe(object).key_prefix, first + row);
}

std::optional<row_index> find_row(const database& data, object_name object, std::string_view id) {
  const auto number = record_number(describe(object).key_prefix, id);
  const row_index first = object == object_name::organization ? 0 : 1;
  if (!number || *number < first || *number - first >= row_count(data, object))
    return std::nullopt;
  return static_cast<row_index>(*number - first);
}

std::string format_record_time(wall_time time) {
  std::string text = format_time(time);
  text.pop_back();  // the Z
  return text + "+0000";
}

void append_json(std::string& out, const field_value& value) {
  struct writer {
    std::string& out;
    void operator()(std::monostate) const { out += "null"; }
    void operator()(bool flag) const { out += flag ? "true" : "false"; }
    void operator()(std::int64_t number) const { fmt::format_to(std::back_inserter(out), "{}", number); }
    void operator()(wall_time time) const { append_json_string(out, format_record_time(time)); }
    void operator()(const std::string& text) const { append_json_string(out, text); }
  };
  std::visit(writer{out}, value);
}

}  // namespace pushguard::simulator
