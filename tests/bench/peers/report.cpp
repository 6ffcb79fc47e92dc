#include "tests/bench/peers/report.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <fstream>
#include <iterator>
#include <limits>
#include <thread>

#include "tests/support/child_process.hpp"

namespace pushguard::bench {
namespace {

namespace json = boost::json;

constexpr double mebibyte = 1024.0 * 1024.0;

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name"))
      return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

std::string seconds_text(std::chrono::milliseconds length) {
  return fmt::format("{:.3f}", static_cast<double>(length.count()) / 1000);
}

std::string recovery_text(const recovery& each) {
  std::string text = each.took ? seconds_text(*each.took) : "never";
  if (each.lost > 0)
    text += fmt::format(", {} lost", each.lost);
  if (each.duplicated > 0)
    text += fmt::format(", {} twice", each.duplicated);
  return text;
}

/// Columns as wide as what stands in them; the first line is the head.
class text_table {
 public:
  void add(std::vector<std::string> line) { lines_.push_back(std::move(line)); }

  [[nodiscard]] std::string render() const {
    std::string out;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      append_line(out, lines_[i]);
      if (i == 0)
        append_rule(out);
    }
    return out;
  }

 private:
  [[nodiscard]] std::size_t width(std::size_t column) const {
    const auto widest = std::ranges::max_element(
        lines_, {}, [column](const std::vector<std::string>& line) { return line[column].size(); });
    return (*widest)[column].size();
  }
  void append_line(std::string& out, const std::vector<std::string>& line) const {
    for (std::size_t column = 0; column < line.size(); ++column)
      out += fmt::format("| {:>{}} ", line[column], width(column));
    out += "|\n";
  }
  void append_rule(std::string& out) const {
    for (std::size_t column = 0; column < lines_.front().size(); ++column)
      out += fmt::format("|{:->{}}:", "", width(column) + 1);
    out += "|\n";
  }

  std::vector<std::vector<std::string>> lines_;
};

std::vector<std::string> head_line(std::vector<std::string> first, const std::vector<contestant>& clients) {
  for (const auto& each : clients)
    first.push_back(each.name);
  return first;
}

template <class Text>
std::string cell_table(const std::vector<cell_costs>& cells, const Text& text_of) {
  text_table table;
  table.add(head_line({"bytes", "events in a response"}, measured_clients()));
  for (const auto& each : cells) {
    std::vector<std::string> line{std::to_string(each.cell.message_size), std::to_string(each.cell.batch)};
    for (const auto& spent : each.costs)
      line.push_back(text_of(spent));
    table.add(std::move(line));
  }
  return table.render();
}

std::string share_table(const std::vector<cell_costs>& cells) {
  text_table table;
  table.add({"bytes", "events in a response", "ours / best peer's"});
  for (const auto& each : cells)
    table.add({std::to_string(each.cell.message_size), std::to_string(each.cell.batch),
               fmt::format("{:.2f}", share_of_best_peer(each))});
  return table.render();
}

std::string fault_table(const std::vector<fault_recoveries>& faults) {
  text_table table;
  table.add(head_line({"fault"}, recovering_clients()));
  for (const auto& each : faults) {
    std::vector<std::string> line{std::string(to_string(each.fault))};
    for (const auto& made : each.recoveries)
      line.push_back(recovery_text(made));
    table.add(std::move(line));
  }
  return table.render();
}

json::object to_json(const recovery& each) {
  json::object object{{"lost", each.lost}, {"duplicated", each.duplicated}, {"milliseconds", nullptr}};
  if (each.took)
    object["milliseconds"] = each.took->count();
  return object;
}

}  // namespace

std::string describe_machine() {
  utsname system{};
  ::uname(&system);
  test::child_process node({"node", "--version"});
  const auto version = node.read_line(std::chrono::seconds(30));
  return fmt::format("{}, {} cores, Linux {}, Node.js {}, {:%Y-%m-%d}", processor_name(),
                     std::thread::hardware_concurrency(), system.release, version.value_or("unknown"),
                     std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

std::string render_table(const peers_results& results) {
  std::string out = results.machine + "\n";
  if (!results.cells.empty()) {
    out += "\nCPU of the client for each event, in microseconds\n\n";
    out +=
        cell_table(results.cells, [](const cost& each) { return fmt::format("{:.2f}", each.cpu_per_event); });
    out += "\nThe same as a ratio\n\n" + share_table(results.cells);
    out += "\nPeak of the client's memory, in MiB\n\n";
    out += cell_table(results.cells, [](const cost& each) {
      return fmt::format("{:.0f}", static_cast<double>(each.peak_memory) / mebibyte);
    });
  }
  if (!results.faults.empty())
    out += "\nFrom the fault to the event published when it was over, in seconds\n\n" +
           fault_table(results.faults);
  return out;
}

std::string render_json(const peers_results& results) {
  json::array cells;
  for (const auto& each : results.cells) {
    json::object clients;
    for (std::size_t i = 0; i < each.costs.size(); ++i)
      clients[measured_clients()[i].name] = {{"cpu_microseconds", each.costs[i].cpu_per_event},
                                             {"peak_memory_bytes", each.costs[i].peak_memory}};
    cells.push_back({{"message_bytes", each.cell.message_size},
                     {"events_in_response", each.cell.batch},
                     {"share_of_best_peer", share_of_best_peer(each)},
                     {"clients", std::move(clients)}});
  }
  json::object faults;
  for (const auto& each : results.faults) {
    json::object clients;
    for (std::size_t i = 0; i < each.recoveries.size(); ++i)
      clients[recovering_clients()[i].name] = to_json(each.recoveries[i]);
    faults[to_string(each.fault)] = std::move(clients);
  }
  const json::object all{
      {"machine", results.machine}, {"cells", std::move(cells)}, {"faults", std::move(faults)}};
  return json::serialize(all) + "\n";
}

double share_of_best_peer(const cell_costs& costs) {
  const std::vector<contestant> clients = measured_clients();
  double ours = 0;
  double best = std::numeric_limits<double>::max();
  for (std::size_t i = 0; i < clients.size(); ++i) {
    if (clients[i].side == side::theirs)
      best = std::min(best, costs.costs[i].cpu_per_event);
    else if (clients[i].word.empty())
      ours = costs.costs[i].cpu_per_event;
  }
  return ours / best;
}

std::vector<std::string> find_shortfalls(const peers_results& results) {
  std::vector<std::string> found;
  for (const auto& each : results.cells) {
    const double share = share_of_best_peer(each);
    if (share > share_max)
      found.push_back(
          fmt::format("{} bytes, {} in a response: ours is {:.2f} of the best peer's, above {:.2f}",
                      each.cell.message_size, each.cell.batch, share, share_max));
  }
  for (const auto& each : results.faults) {
    for (std::size_t i = 0; i < each.recoveries.size(); ++i) {
      const contestant client = recovering_clients()[i];
      if (client.side == side::ours && !each.recoveries[i].is_clean())
        found.push_back(
            fmt::format("{}, {}: {}", to_string(each.fault), client.name, recovery_text(each.recoveries[i])));
    }
  }
  return found;
}

}  // namespace pushguard::bench
