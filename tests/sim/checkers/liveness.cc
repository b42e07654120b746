// After healing, with all nodes up, the cluster comes to rest within its budget of virtual time;
// then every operation of the final phase succeeds.
#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"

namespace quorate::sim {

void CheckLiveness(const History& history, Report* report) {
  constexpr char kProperty[] = "after healing the cluster works again";
  for (const std::string& why : history.stalls()) report->Add(kProperty, why);
  for (size_t i = 0; i < history.operations().size(); ++i) {
    const HistoryOperation& operation = history.operations()[i];
    if (!operation.final_phase || operation.ok()) continue;
    report->Add(kProperty, "an operation after healing failed", {i});
  }
  for (Violation& violation : report->violations) {
    if (violation.property == kProperty) violation.stall = true;
  }
}

}  // namespace quorate::sim
