// After healing, and once the cluster is at rest, all nodes hold the same bytes under the same
// keys.
#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"

namespace quorate::sim {

void CheckConvergence(const History& history, Report* report) {
  if (!history.promise().converges || history.final_contents().empty()) return;
  const auto& [first_node, first] = *history.final_contents().begin();
  for (const auto& [node, contents] : history.final_contents()) {
    if (contents == first) continue;
    const std::map<std::string, std::string> expected(first.begin(), first.end());
    const std::map<std::string, std::string> found(contents.begin(), contents.end());
    std::string keys;
    for (const auto& [key, bytes] : expected) {
      const auto it = found.find(key);
      if (it == found.end() || it->second != bytes) absl::StrAppend(&keys, " ", Shown(key));
    }
    for (const auto& [key, bytes] : found) {
      if (expected.count(key) == 0) absl::StrAppend(&keys, " ", Shown(key));
    }
    report->Add("replicas converge", absl::StrCat("after healing, nodes ", first_node, " and ",
                                                  node, " differ on", keys));
  }
}

}  // namespace quorate::sim
