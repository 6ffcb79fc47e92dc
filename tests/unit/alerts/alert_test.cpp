#include "alerts/alert.hpp"

#include <gtest/gtest.h>

#include "alerts/notification.hpp"
#include "base/text.hpp"

namespace pushguard::alerts {
namespace {

TEST(AlertId, JoinsItsPartsReadably) {
  EXPECT_EQ(make_alert_id({"breach", "devhub", "04t000000000001/2"}), "breach:devhub:04t000000000001/2");
  EXPECT_EQ(make_alert_id({}), "");
}

TEST(AlertId, IsDifferentForDifferentParts) {
  EXPECT_NE(make_alert_id({"a:b", "c"}), make_alert_id({"a", "b:c"}));
  EXPECT_NE(make_alert_id({"a%3A", "b"}), make_alert_id({"a:", "b"}));
  EXPECT_NE(make_alert_id({"a", ""}), make_alert_id({"a"}));
}

TEST(AlertId, StaysAsItIsUpToTheLimit) {
  const std::string longest(alert_id_size_max, 'x');
  EXPECT_EQ(make_alert_id({longest}), longest);
}

TEST(AlertId, EndsInAHashBeyondTheLimit) {
  const std::string one = make_alert_id({std::string(alert_id_size_max, 'x') + "1"});
  const std::string other = make_alert_id({std::string(alert_id_size_max, 'x') + "2"});
  EXPECT_EQ(one.size(), alert_id_size_max);
  EXPECT_NE(one, other);
  // Stored ids and open incidents depend on it: it must never change.
  EXPECT_EQ(one.substr(one.size() - 17), "#295f6b78294e164a");
}

TEST(AlertId, IsValidUtf8WhateverItsPartsHold) {
  std::string hostile = "\xff\xfe";
  for (int i = 0; i < 200; ++i) {
    hostile += "é";
  }
  const std::string id = make_alert_id({hostile});
  EXPECT_LE(id.size(), alert_id_size_max);
  EXPECT_EQ(to_valid_utf8(id), id);
}

alert full_alert() {
  alert out;
  out.id = "id";
  out.name = "Trouble";
  out.labels = {{"zone", "one"}};
  out.summary = "it broke";
  out.description = "call someone";
  out.annotations = {{"failed", "17"}};
  out.links = {{.name = "runbook", .url = "https://wiki.example.com/trouble"}};
  out.generator_url = "https://agent.example.com/";
  return out;
}

TEST(BoundedAlert, LeavesWhatFitsAlone) {
  EXPECT_EQ(make_bounded(full_alert()), full_alert());
}

TEST(BoundedAlert, CutsTextsAtCharacters) {
  alert what = full_alert();
  what.summary.assign(alert_summary_size_max, 's');
  EXPECT_EQ(make_bounded(what).summary, what.summary);
  what.summary += 's';
  EXPECT_EQ(make_bounded(what).summary, std::string(alert_summary_size_max - 3, 's') + "…");

  what.summary = "x";
  for (std::size_t i = 0; i < alert_summary_size_max; ++i) {
    what.summary += "é";
  }
  const alert cut = make_bounded(what);
  EXPECT_LE(cut.summary.size(), alert_summary_size_max);
  EXPECT_EQ(to_valid_utf8(cut.summary), cut.summary);
  EXPECT_TRUE(cut.summary.ends_with("é…"));
}

TEST(BoundedAlert, ReplacesInvalidUtf8Everywhere) {
  alert what = full_alert();
  what.name = "\xff";
  what.summary = "\xc3";
  what.labels = {{"n", "\x80"}};
  const alert bounded = make_bounded(what);
  EXPECT_EQ(bounded.name, "\uFFFD");
  EXPECT_EQ(bounded.summary, "\uFFFD");
  EXPECT_EQ(bounded.labels.at("n"), "\uFFFD");
}

TEST(BoundedAlert, LimitsTheNumberOfFields) {
  alert what = full_alert();
  for (std::size_t i = 0; i < alert_fields_max + 10; ++i) {
    what.labels.emplace("label_" + std::to_string(i), "v");
    what.annotations.emplace("annotation_" + std::to_string(i), "v");
    what.links.push_back({.name = "page", .url = "https://example.com/" + std::to_string(i)});
  }
  const alert bounded = make_bounded(what);
  EXPECT_EQ(bounded.labels.size(), alert_fields_max);
  EXPECT_EQ(bounded.annotations.size(), alert_fields_max);
  EXPECT_EQ(bounded.links.size(), alert_fields_max);
}

TEST(BoundedAlert, LeavesOutLinksThatWouldHaveToBeCut) {
  alert what = full_alert();
  what.links = {{.name = "long", .url = std::string(alert_value_size_max + 1, 'u')},
                {.name = "longest", .url = std::string(alert_value_size_max, 'u')}};
  what.generator_url = std::string(alert_value_size_max + 1, 'u');
  const alert bounded = make_bounded(what);
  ASSERT_EQ(bounded.links.size(), 1U);
  EXPECT_EQ(bounded.links[0].name, "longest");
  EXPECT_EQ(bounded.generator_url, "");
}

TEST(AlertContent, IsTheSameWhateverStateAndTimesAre) {
  alert other = full_alert();
  other.state = alert_state::resolved;
  other.starts_at += std::chrono::hours(1);
  other.updated_at += std::chrono::hours(2);
  other.resolved_at = other.updated_at;
  EXPECT_TRUE(has_same_content(full_alert(), other));
}

TEST(AlertContent, DiffersByEveryOtherField) {
  const std::vector<void (*)(alert&)> changes = {
      [](alert& a) { a.id = "other"; },
      [](alert& a) { a.name = "Other"; },
      [](alert& a) { a.severity = alert_severity::critical; },
      [](alert& a) { a.labels["more"] = "1"; },
      [](alert& a) { a.summary += "!"; },
      [](alert& a) { a.description += "!"; },
      [](alert& a) { a.annotations["more"] = "1"; },
      [](alert& a) { a.links[0].url += "?"; },
      [](alert& a) { a.generator_url += "?"; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    alert other = full_alert();
    changes[i](other);
    EXPECT_FALSE(has_same_content(full_alert(), other)) << "change " << i;
  }
}

TEST(AlertNames, ReadBackWhatTheyWrite) {
  for (const auto each : alert_severities) {
    EXPECT_EQ(parse_alert_severity(to_string(each)), each);
  }
  for (const auto each : {alert_state::firing, alert_state::resolved}) {
    EXPECT_EQ(parse_alert_state(to_string(each)), each);
  }
  for (const auto each : {notification_kind::fired, notification_kind::updated, notification_kind::repeated,
                          notification_kind::resolved}) {
    EXPECT_EQ(parse_notification_kind(to_string(each)), each);
  }
  EXPECT_FALSE(parse_alert_severity("fatal"));
  EXPECT_FALSE(parse_alert_severity(""));
  EXPECT_FALSE(parse_alert_state("Firing"));
  EXPECT_FALSE(parse_notification_kind("sent"));
}

}  // namespace
}  // namespace pushguard::alerts
