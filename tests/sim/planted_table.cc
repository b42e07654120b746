// Hunts every planted bug, shrinks what it did, and prints the table of doc/testing.md.
//
//   bazel run //tests/sim:planted_table                          prints it
//   bazel run //tests/sim:planted_table -- --update=$PWD/doc/testing.md   replaces it there
//
// Exit status: 0 where all were caught, 1 where one was not, 2 where the file cannot be updated.
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "gflags/gflags.h"
#include "glog/logging.h"

#include "replication/storage/planted_bugs.h"
#include "tests/sim/planted_catalogue.h"
#include "tests/sim/runner.h"
#include "tests/sim/shrink.h"

DEFINE_string(update, "", "the file whose table is to be replaced");
DEFINE_uint64(seeds, 1000, "give up after so many seeds");
DEFINE_int32(shrink_runs, 300, "how many runs the shrinking of each may take");

namespace quorate::sim {
namespace {

constexpr char kBegin[] = "<!-- planted bugs: begin -->\n";
constexpr char kEnd[] = "<!-- planted bugs: end -->\n";

// Of this process alone, whatever else the machine does.
double SecondsSince(std::clock_t start) {
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

// How small the schedule of the run that caught the bug gets.
std::string Small(Bug bug, const Catch& caught) {
  const std::clock_t start = std::clock();
  planted_bug = bug;
  ShrinkOptions options;
  options.runs_max = FLAGS_shrink_runs;
  const absl::StatusOr<Shrunk> shrunk =
      Shrink(RunSeed({caught.strategy, caught.seeds}).schedule, options);
  planted_bug = Bug::kNone;
  CHECK(shrunk.ok()) << shrunk.status();
  return absl::StrFormat("%d + %d on %d | %d runs, %.1f s", shrunk->schedule.faults.size(),
                         shrunk->schedule.operations.size(), shrunk->schedule.setting.n,
                         shrunk->runs, SecondsSince(start));
}

std::string Row(const PlantedRule& rule, bool* all_caught) {
  const std::clock_t start = std::clock();
  const std::optional<Catch> caught = Hunt(rule.bug, FLAGS_seeds);
  const double seconds = SecondsSince(start);
  if (!caught.has_value()) {
    *all_caught = false;
    return absl::StrFormat("| %s | **not caught** in %d seeds | %.1f s | | | |\n", rule.what,
                           FLAGS_seeds, seconds);
  }
  const std::string properties = absl::StrJoin(
      caught->properties, ", ",
      [](std::string* out, const auto& property) { absl::StrAppend(out, property.first); });
  return absl::StrFormat("| %s | %d, %s | %.1f s | %s | %s |\n", rule.what, caught->seeds,
                         caught->strategy, seconds, properties, Small(rule.bug, *caught));
}

// Whether the table between the two marks in `path` could be replaced.
bool Replace(const std::string& path, const std::string& table) {
  std::ifstream in(path);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const size_t begin = text.find(kBegin);
  const size_t end = text.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin) return false;
  text = absl::StrCat(text.substr(0, begin), kBegin, table, text.substr(end));
  std::ofstream out(path, std::ios::trunc);
  out << text;
  out.close();
  return out.good();
}

int Main() {
  bool all_caught = true;
  std::string table =
      "| what replicas do wrong | seeds, strategy | on one core | violated | shrunk to faults + "
      "operations on nodes | by |\n|---|---|---|---|---|---|\n";
  for (const PlantedRule& rule : PlantedRules()) {
    const std::string row = Row(rule, &all_caught);
    std::fputs(row.c_str(), stdout);
    std::fflush(stdout);
    table += row;
  }
  if (!FLAGS_update.empty() && !Replace(FLAGS_update, table)) {
    std::fprintf(stderr, "%s: it cannot be written, or lacks the marks around the table\n",
                 FLAGS_update.c_str());
    return 2;
  }
  return all_caught ? 0 : 1;
}

}  // namespace
}  // namespace quorate::sim

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, /*remove_flags=*/true);
  return quorate::sim::Main();
}
