// Every operation that a client handed to a node ends exactly once: with a result, when its time is
// over at the latest, or with the node's death; and no node gives a result for what it was not
// asked.
#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"

namespace quorate::sim {
namespace {

constexpr char kProperty[] = "every operation ends once";

}  // namespace

void CheckEndsOnce(const History& history, Report* report) {
  for (size_t i = 0; i < history.operations().size(); ++i) {
    const HistoryOperation& operation = history.operations()[i];
    if (operation.results > 1) {
      report->Add(kProperty, absl::StrCat("an operation got ", operation.results, " results"), {i});
    }
    if (operation.outcome == Outcome::kOpen) {
      report->Add(kProperty, "an operation never ended", {i});
    } else if (operation.overdue) {
      report->Add(kProperty, "an operation went on when its time was over", {i});
    }
  }
  for (const NodeId node : history.stray_results()) {
    report->Add(kProperty,
                absl::StrCat("node ", node, " gave a result for an operation that it never got"));
  }
}

}  // namespace quorate::sim
