#include "tests/bench/peers/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "tests/bench/peers/event_texts.hpp"

namespace pushguard::bench {
namespace {

// Bounds that keep a slip of the finger from filling the memory.
constexpr std::uint64_t batch_max = 10'000;
constexpr std::uint64_t message_size_max = 100'000;
constexpr std::uint64_t events_max = 10'000'000;
constexpr std::uint64_t rounds_max = 100;
constexpr std::uint64_t patience_max = 3600;

/// Takes the arguments one by one; the first that is wrong is kept.
class argument_reader {
 public:
  explicit argument_reader(std::span<const std::string_view> arguments) : rest_(arguments) {}

  [[nodiscard]] bool has_more() const noexcept { return !rest_.empty() && !trouble_; }
  std::string_view next() {
    const std::string_view argument = rest_.front();
    rest_ = rest_.subspan(1);
    return argument;
  }
  std::string_view value_of(std::string_view name) {
    if (!rest_.empty())
      return next();
    refuse(fmt::format("{} wants a value", name));
    return {};
  }
  std::uint64_t number_of(std::string_view name, std::uint64_t least, std::uint64_t most) {
    const std::string_view text = value_of(name);
    std::uint64_t value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc{} || end != text.data() + text.size() || value < least || value > most)
      refuse(fmt::format("{} wants a number from {} to {}", name, least, most));
    return value;
  }
  void refuse(std::string why) {
    if (!trouble_)
      trouble_ = std::move(why);
  }
  [[nodiscard]] const std::optional<std::string>& trouble() const noexcept { return trouble_; }

 private:
  std::span<const std::string_view> rest_;
  std::optional<std::string> trouble_;
};

/// What was named replaces the default, which is everything.
struct named_values {
  std::vector<std::size_t> message_sizes;
  std::vector<std::size_t> batches;
  std::optional<std::vector<fault>> faults;

  void replace_in(peers_options& options) && {
    if (!message_sizes.empty())
      options.message_sizes = std::move(message_sizes);
    if (!batches.empty())
      options.batches = std::move(batches);
    if (faults)
      options.faults = std::move(*faults);
  }
};

void read_fault(argument_reader& from, std::optional<std::vector<fault>>& into) {
  const std::string_view name = from.value_of("--fault");
  if (!into)
    into.emplace();
  const auto found = std::ranges::find(all_faults, name, [](fault each) { return to_string(each); });
  if (found != all_faults.end()) {
    into->push_back(*found);
  } else if (name != "none") {
    from.refuse(fmt::format("there is no fault {}", name));
  }
}

void read_argument(argument_reader& from, peers_options& into, named_values& named) {
  const std::string_view name = from.next();
  if (name == "--json") {
    into.output = output::json;
  } else if (name == "--check") {
    into.verdict = verdict::checked;
  } else if (name == "--size") {
    named.message_sizes.push_back(from.number_of(name, event_texts::message_size_min, message_size_max));
  } else if (name == "--batch") {
    named.batches.push_back(from.number_of(name, 1, batch_max));
  } else if (name == "--fault") {
    read_fault(from, named.faults);
  } else if (name == "--rounds") {
    into.rounds = static_cast<unsigned>(from.number_of(name, 1, rounds_max));
  } else if (name == "--warm-up") {
    into.warm_up = from.number_of(name, 1, events_max);
  } else if (name == "--events") {
    into.events = from.number_of(name, 1, events_max);
  } else if (name == "--patience") {
    into.patience = std::chrono::seconds(from.number_of(name, 1, patience_max));
  } else {
    from.refuse(fmt::format("there is no option {}", name));
  }
}

}  // namespace

result<peers_options> parse_peers_options(std::span<const std::string_view> arguments) {
  peers_options options;
  named_values named;
  argument_reader reader(arguments);
  while (reader.has_more())
    read_argument(reader, options, named);
  if (reader.trouble())
    return fail(errc::invalid, *reader.trouble());
  std::move(named).replace_in(options);
  return options;
}

}  // namespace pushguard::bench
