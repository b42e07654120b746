// After healing, with all nodes up, the cluster comes to rest within its budget of virtual time.
// Then every operation of the final phase succeeds, if the strategy promises to keep acknowledged
// writes; one that promises nothing may refuse everything.
#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"

namespace quorate::sim {

void CheckLiveness(const History& history, Report* report) {
  constexpr char kProperty[] = "after healing the cluster works again";
  for (const std::string& why : history.stalls()) report->Add(kProperty, why);
  const bool must_succeed = history.promise().keeps_acknowledged_writes;
  for (size_t i = 0; i < history.operations().size(); ++i) {
    const HistoryOperation& operation = history.operations()[i];
    if (!must_succeed || !operation.final_phase || operation.ok()) continue;
    report->Add(kProperty, "an operation after healing failed", {i});
  }
  for (Violation& violation : report->violations) {
    if (violation.property == kProperty) violation.stall = true;
  }
}

}  // namespace quorate::sim
