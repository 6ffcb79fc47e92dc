#include "metrics/text_format.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <stdexcept>

#include "base/http_accept.hpp"
#include "base/text.hpp"

namespace pushguard::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

enum class escaping { help, quoted };

constexpr std::string_view replacement = "\xEF\xBF\xBD";

constexpr bool is_name_start(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

constexpr bool is_name_part(char c) noexcept {
  return is_name_start(c) || (c >= '0' && c <= '9');
}

constexpr bool is_plain(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x80 && c != '\\' && c != '\n' && c != '"';
}

using byte_table = std::array<bool, 256>;

/// A table look-up per byte: this runs over every label of every line.
template <class Predicate>
consteval byte_table make_table(Predicate holds) {
  byte_table table{};
  for (std::size_t i = 0; i < table.size(); ++i)
    table[i] = holds(static_cast<char>(i));
  return table;
}

constexpr byte_table plain_bytes = make_table(is_plain);
constexpr byte_table name_bytes = make_table(is_name_part);

constexpr bool holds(const byte_table& table, char c) noexcept {
  return table[static_cast<unsigned char>(c)];
}

/// Whether eight bytes are plain, all at once.
bool are_plain(std::uint64_t bytes) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t high_bits = ones * 0x80;
  // The high bit of each byte that is zero, where no byte has its own (Hacker's Delight, 6-1); a borrow can
  // only mark more bytes than there are, next to one that is there.
  const auto marks = [&](char c) {
    const std::uint64_t differing = bytes ^ (ones * static_cast<unsigned char>(c));
    return (differing - ones) & ~differing;
  };
  return ((bytes | marks('\\') | marks('\n') | marks('"')) & high_bits) == 0;
}

std::size_t plain_size(std::string_view text) noexcept {
  std::size_t size = 0;
  for (std::uint64_t bytes = 0; size + sizeof bytes <= text.size(); size += sizeof bytes) {
    std::memcpy(&bytes, text.data() + size, sizeof bytes);
    if (!are_plain(bytes))
      break;
  }
  while (size < text.size() && holds(plain_bytes, text[size]))
    ++size;
  return size;
}

/// Appends the first character of `text`, which is not plain, and says how many bytes it was.
std::size_t append_special(std::string& out, std::string_view text, escaping kind) {
  const char c = text.front();
  if (c == '\n') {
    out += "\\n";
    return 1;
  }
  if (c == '\\' || c == '"') {
    if (c == '\\' || kind == escaping::quoted)
      out += '\\';
    out += c;
    return 1;
  }
  const std::size_t size = utf8_character_size(text);
  out += size == 0 ? replacement : text.substr(0, size);
  return std::max<std::size_t>(size, 1);
}

/// Appends up to `size_max` bytes that `write(char* begin) -> char* end` writes: one growth for what
/// would else be half a dozen appends, in the two functions that every line goes through.
template <class Write>
void append_written(std::string& out, std::size_t size_max, const Write& write) {
  const std::size_t before = out.size();
  if (out.capacity() - before < size_max)
    out.reserve(std::max(before + size_max, out.capacity() * 2));
  out.resize_and_overwrite(before + size_max, [&](char* text, std::size_t) {
    return static_cast<std::size_t>(write(text + before) - text);
  });
}

char* put(char* to, std::string_view text) noexcept {
  return std::copy(text.begin(), text.end(), to);
}

constexpr std::size_t number_size_max = 32;  // the longest shortest form has 24 characters

char* put_number(char* to, double value) noexcept {
  constexpr double exact_integers_max = 9007199254740992.0;  // 2^53
  if (std::isnan(value))
    return put(to, "NaN");
  if (std::isinf(value))
    return put(to, value > 0 ? "+Inf" : "-Inf");
  const bool is_integer = std::abs(value) <= exact_integers_max && value == std::trunc(value);
  const bool is_negative_zero = value == 0 && std::signbit(value);
  if (is_integer && !is_negative_zero)
    return std::to_chars(to, to + number_size_max, static_cast<std::int64_t>(value)).ptr;
  return std::to_chars(to, to + number_size_max, value).ptr;
}

// The format knows three escapes; other control characters are ordinary bytes to it.
void append_escaped(std::string& out, std::string_view text, escaping kind) {
  while (!text.empty()) {
    const std::size_t plain = plain_size(text);
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (!text.empty())
      text.remove_prefix(append_special(out, text, kind));
  }
}

std::string_view type_name(MetricType type, exposition_format format) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Summary:
      return "summary";
    case MetricType::Histogram:
      return "histogram";
    case MetricType::Untyped:
      return format == exposition_format::text ? "untyped" : "unknown";
  }
  throw std::invalid_argument("unknown metric type");
}

/// What is served to who accepts `item`.
std::optional<exposition_format> offered_for(const accepted_item& item) {
  const std::optional<std::string_view> version = item.parameter("version");
  if (equals_ignoring_case(item.value, "application/openmetrics-text"))
    return !version || *version == "1.0.0" ? std::optional(exposition_format::openmetrics) : std::nullopt;
  if (equals_ignoring_case(item.value, "text/plain"))
    return !version || *version == "0.0.4" ? std::optional(exposition_format::text) : std::nullopt;
  return item.value == "*/*" || equals_ignoring_case(item.value, "text/*")
             ? std::optional(exposition_format::text)
             : std::nullopt;
}

/// One series with what surrounds it: rendered once, used for each of its lines.
struct series_lines {
  std::string& out;
  std::string_view family;
  std::string labels;
  std::int64_t timestamp_ms;
  exposition_format format;

  void write(std::string_view suffix, std::string_view all_labels, double value) const {
    out += family;
    out += suffix;
    append_sample(out, {}, all_labels, value);
    if (timestamp_ms == 0)
      return;
    out.back() = ' ';
    if (format == exposition_format::text)
      out += std::to_string(timestamp_ms);
    else
      append_number(out, static_cast<double>(timestamp_ms) / 1000);
    out += '\n';
  }
  void write_bounded(std::string_view suffix, std::string_view name, double bound, double value) const {
    std::string text;
    append_number(text, bound);
    // OpenMetrics wants these to look like floats: clients compare them as texts.
    if (format == exposition_format::openmetrics &&
        text.find_first_not_of("-0123456789") == std::string::npos)
      text += ".0";
    std::string all_labels = labels;
    append_labels(all_labels, {{name, text}});
    write(suffix, all_labels, value);
  }
};

void write_histogram(const series_lines& series, const ClientMetric::Histogram& histogram) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto count = static_cast<double>(histogram.sample_count);
  for (const auto& bucket : histogram.bucket)
    series.write_bounded("_bucket", "le", bucket.upper_bound, static_cast<double>(bucket.cumulative_count));
  if (histogram.bucket.empty() || histogram.bucket.back().upper_bound != infinity)
    series.write_bounded("_bucket", "le", infinity, count);
  series.write("_sum", series.labels, histogram.sample_sum);
  series.write("_count", series.labels, count);
}

void write_summary(const series_lines& series, const ClientMetric::Summary& summary) {
  for (const auto& quantile : summary.quantile)
    series.write_bounded("", "quantile", quantile.quantile, quantile.value);
  series.write("_sum", series.labels, summary.sample_sum);
  series.write("_count", series.labels, static_cast<double>(summary.sample_count));
}

/// `le` and `quantile` belong to the format.
void check_not_reserved(const ClientMetric& metric, MetricType type) {
  for (const auto& each : metric.label) {
    if ((type == MetricType::Histogram && each.name == "le") ||
        (type == MetricType::Summary && each.name == "quantile"))
      throw std::invalid_argument("the label " + each.name + " is reserved in this type of metric");
  }
}

void write_series(std::string& out, std::string_view family, MetricType type, const ClientMetric& metric,
                  exposition_format format) {
  check_not_reserved(metric, type);
  series_lines series{
      .out = out, .family = family, .labels = {}, .timestamp_ms = metric.timestamp_ms, .format = format};
  for (const auto& each : metric.label)
    append_labels(series.labels, {{each.name, each.value}});
  switch (type) {
    case MetricType::Counter:
      return series.write("", series.labels, metric.counter.value);
    case MetricType::Gauge:
      return series.write("", series.labels, metric.gauge.value);
    case MetricType::Untyped:
      return series.write("", series.labels, metric.untyped.value);
    case MetricType::Histogram:
      return write_histogram(series, metric.histogram);
    case MetricType::Summary:
      return write_summary(series, metric.summary);
  }
}

/// `same_name` are families of one name, in the order they came.
void write_family(std::string& out, std::span<const MetricFamily* const> same_name,
                  exposition_format format) {
  const MetricFamily& first = *same_name.front();
  append_header(out, first.name, first.help, first.type, format);
  std::vector<const ClientMetric*> metrics;
  for (const MetricFamily* family : same_name) {
    if (family->type != first.type)
      throw std::invalid_argument("two types for the metric " + first.name);
    for (const ClientMetric& metric : family->metric)
      metrics.push_back(&metric);
  }
  std::sort(metrics.begin(), metrics.end(),
            [](const ClientMetric* a, const ClientMetric* b) { return a->label < b->label; });
  for (const ClientMetric* metric : metrics)
    write_series(out, first.name, first.type, *metric, format);
}

}  // namespace

std::string_view content_type(exposition_format format) noexcept {
  return format == exposition_format::text ? "text/plain; version=0.0.4; charset=utf-8"
                                           : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

exposition_format choose_format(std::string_view accept) {
  exposition_format chosen = exposition_format::text;
  double best = 0;
  for (const accepted_item& item : parse_accepted(accept)) {
    const auto offered = offered_for(item);
    if (offered && item.quality > best) {
      chosen = *offered;
      best = item.quality;
    }
  }
  return chosen;
}

bool is_metric_name(std::string_view name) noexcept {
  const auto starts = [](char c) { return is_name_start(c) || c == ':'; };
  const auto continues = [](char c) { return is_name_part(c) || c == ':'; };
  return !name.empty() && starts(name.front()) && std::all_of(name.begin(), name.end(), continues);
}

bool is_label_name(std::string_view name) noexcept {
  return !name.empty() && is_name_start(name.front()) && !name.starts_with("__") &&
         std::all_of(name.begin(), name.end(), [](char c) { return holds(name_bytes, c); });
}

void append_labels(std::string& out, std::span<const label> labels) {
  for (const label& each : labels) {
    if (!is_label_name(each.name))
      throw std::invalid_argument("not a label name: " + std::string(each.name));
    const std::string_view value = cut_at_character(each.value, label_value_size_max);
    const std::string_view plain = value.substr(0, plain_size(value));
    const bool follows = out.ends_with('"');
    constexpr std::size_t marks = 4;  // , = " "
    append_written(out, each.name.size() + plain.size() + marks, [&](char* to) {
      if (follows)
        *to++ = ',';
      to = put(to, each.name);
      *to++ = '=';
      *to++ = '"';
      to = put(to, plain);
      if (plain.size() == value.size())
        *to++ = '"';
      return to;
    });
    if (plain.size() == value.size())
      continue;
    append_escaped(out, value.substr(plain.size()), escaping::quoted);
    out += '"';
  }
}

void append_number(std::string& out, double value) {
  append_written(out, number_size_max, [&](char* to) { return put_number(to, value); });
}

void append_header(std::string& out, std::string_view name, std::string_view help, MetricType type,
                   exposition_format format) {
  if (!is_metric_name(name))
    throw std::invalid_argument("not a metric name: " + std::string(name));
  constexpr std::string_view total = "_total";
  const bool is_text = format == exposition_format::text;
  if (!is_text && type == MetricType::Counter && name.ends_with(total))
    name.remove_suffix(total.size());
  out += "# HELP ";
  out += name;
  out += ' ';
  append_escaped(out, help, is_text ? escaping::help : escaping::quoted);
  out += "\n# TYPE ";
  out += name;
  out += ' ';
  out += type_name(type, format);
  out += '\n';
}

void append_sample(std::string& out, std::string_view name, std::string_view labels, double value) {
  constexpr std::size_t marks = 4;  // { } blank, line end
  append_written(out, name.size() + labels.size() + number_size_max + marks, [&](char* to) {
    to = put(to, name);
    if (!labels.empty()) {
      *to++ = '{';
      to = put(to, labels);
      *to++ = '}';
    }
    *to++ = ' ';
    to = put_number(to, value);
    *to++ = '\n';
    return to;
  });
}

void append_families(std::string& out, std::span<const MetricFamily> families, exposition_format format) {
  std::vector<const MetricFamily*> sorted;
  sorted.reserve(families.size());
  for (const MetricFamily& family : families)
    sorted.push_back(&family);
  // Addresses tell which of two families of one name came first.
  std::sort(sorted.begin(), sorted.end(), [](const MetricFamily* a, const MetricFamily* b) {
    return a->name != b->name ? a->name < b->name : a < b;
  });
  for (auto first = sorted.begin(); first != sorted.end();) {
    const auto last = std::find_if(
        first, sorted.end(), [&](const MetricFamily* family) { return family->name != (*first)->name; });
    write_family(out, std::span(first, last), format);
    first = last;
  }
}

void append_end(std::string& out, exposition_format format) {
  if (format == exposition_format::openmetrics)
    out += "# EOF\n";
}

std::string to_text(std::span<const MetricFamily> families, exposition_format format) {
  std::string out;
  append_families(out, families, format);
  append_end(out, format);
  return out;
}

std::string to_text(const MetricFamily& family, exposition_format format) {
  return to_text(std::span(&family, 1), format);
}

}  // namespace pushguard::metrics
