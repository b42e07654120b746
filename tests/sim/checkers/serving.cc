// A node that may have forgotten acknowledged writes answers no reads that clients ask of it:
// "absent" least of all. Where it did not serve when the read came nor when the read ended, the
// read must have failed. What it answers to other nodes, nobody outside sees; that it counts
// nowhere shows in reads that are not stale (stale_reads.cc).
#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"

namespace quorate::sim {

void CheckServing(const History& history, Report* report) {
  for (size_t i = 0; i < history.operations().size(); ++i) {
    const HistoryOperation& operation = history.operations()[i];
    if (operation.operation.is_write() || !operation.ok() || !operation.node_not_serving) continue;
    report->Add("who may have forgotten answers no reads",
                absl::StrCat("node ", operation.node, " answered a read while it was not serving"),
                {i});
  }
}

}  // namespace quorate::sim
