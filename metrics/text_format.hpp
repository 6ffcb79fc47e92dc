#pragma once

#include <prometheus/metric_family.h>

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Prometheus text format 0.0.4 and OpenMetrics 1.0, written from prometheus-cpp's model and from ready-made
/// lines. A wrong metric or label name is a bug of the caller and throws std::invalid_argument; label values
/// and help texts may hold anything.
namespace pushguard::metrics {

/// Samples of gauges and counters are the same in both.
enum class exposition_format : unsigned char { text, openmetrics };
inline constexpr std::array all_exposition_formats{exposition_format::text, exposition_format::openmetrics};

/// Prometheus 3 refuses a scrape whose Content-Type it does not know.
[[nodiscard]] std::string_view content_type(exposition_format format) noexcept;

/// The format that a client wants most by its Accept header (RFC 9110 §12.5.1), text where it says nothing
/// or asks for what there is not.
[[nodiscard]] exposition_format choose_format(std::string_view accept);

/// Longer label values are cut, at a character: free text must not fill the memory of whoever scrapes.
inline constexpr std::size_t label_value_size_max = 1024;

/// Borrowed: both must outlive the call they are handed to.
struct label {
  std::string_view name;
  std::string_view value;
};
using label_list = std::initializer_list<label>;

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`
[[nodiscard]] bool is_metric_name(std::string_view name) noexcept;
/// `[a-zA-Z_][a-zA-Z0-9_]*`, not beginning with the reserved `__`.
[[nodiscard]] bool is_label_name(std::string_view name) noexcept;

/// `name="value",name="value"` without braces, with a comma first where `out` ends in a quote, so that
/// a prefix rendered once can be extended. Values are escaped; invalid UTF-8 becomes U+FFFD.
void append_labels(std::string& out, std::span<const label> labels);
inline void append_labels(std::string& out, label_list labels) {
  append_labels(out, std::span(labels.begin(), labels.size()));
}

/// The shortest text that reads back as `value`; integers up to 2⁵³ without an exponent; `NaN`,
/// `+Inf`, `-Inf`.
void append_number(std::string& out, double value);

/// The HELP and TYPE lines of a family. In OpenMetrics a counter's family is called without `_total`.
void append_header(std::string& out, std::string_view name, std::string_view help,
                   prometheus::MetricType type, exposition_format format = exposition_format::text);

/// `name{labels} value` and a line end. `labels` comes from append_labels, and may be empty. The name is
/// not checked: this runs once per line.
void append_sample(std::string& out, std::string_view name, std::string_view labels, double value);

/// Every family once, sorted by name, its series sorted by their labels. Families of one name are merged
/// under the first one's help, and must be of one type. A family without series keeps its header, so
/// that a scrape tells which families there are.
void append_families(std::string& out, std::span<const prometheus::MetricFamily> families,
                     exposition_format format = exposition_format::text);

/// What must stand at the end of an exposition: `# EOF` in OpenMetrics, without which it counts as cut short.
void append_end(std::string& out, exposition_format format);

/// A whole exposition.
[[nodiscard]] std::string to_text(std::span<const prometheus::MetricFamily> families,
                                  exposition_format format = exposition_format::text);
[[nodiscard]] std::string to_text(const prometheus::MetricFamily& family,
                                  exposition_format format = exposition_format::text);

}  // namespace pushguard::metrics
