// A node that starts without its memory may serve only once it knows of every write that it may
// have acknowledged in an earlier life. It learns them from N-W+1 other nodes that serve, or from
// all others. So when node A turns to serving, it must hold every write that
//   * was answered OK before A started, having waited for at least the cluster's W;
//   * has, since its answer, been lacked by fewer serving nodes than A has to hear; then any choice
//     of nodes to hear includes one that had it;
//   * is held by another node, which has held it since before A started; that covers the case in
//     which A had to ask all others.
// Only where A has forgotten something that it held: otherwise it may serve at once.
#include <algorithm>

#include "absl/strings/str_cat.h"

#include "replication/quorum.h"
#include "tests/sim/checkers/checker.h"
#include "tests/sim/checkers/holdings.h"

namespace quorate::sim {
namespace {

bool MustKnow(const History& history, const TrackedWrite& write, NodeId node, size_t start_event) {
  const Quorums& quorums = history.setting().quorums;
  const HistoryOperation& operation = history.operations()[write.operation];
  if (!write.acknowledged || operation.end_event > start_event || write.w < quorums.w) return false;
  const int lacked = write.served_without.Count() - (write.served_without.Has(node) ? 1 : 0);
  if (lacked >= OthersToHear(quorums.n, quorums.w)) return false;
  return std::any_of(write.held_since.begin(), write.held_since.end(), [&](const auto& holder) {
    return holder.first != node && holder.second < start_event;
  });
}

}  // namespace

void CheckCaughtUp(const History& history, Report* report) {
  if (!history.promise().keeps_acknowledged_writes) return;
  Holdings holdings(history);
  std::map<NodeId, size_t> started;
  for (size_t i = 0; i < history.events().size(); ++i) {
    const HistoryEvent& event = history.events()[i];
    if (event.kind == EventKind::kStart) started[event.node] = i;
    if (event.kind == EventKind::kServing && holdings.HasForgotten(event.node)) {
      for (const TrackedWrite& write : holdings.writes()) {
        if (!MustKnow(history, write, event.node, started[event.node])) continue;
        ++report->catch_ups_checked;
        if (write.holders.Has(event.node)) continue;
        report->Add("who serves has caught up",
                    absl::StrCat("node ", event.node,
                                 " serves again without an acknowledged write "
                                 "that the nodes ",
                                 write.holders.DebugString(), " hold"),
                    {write.operation});
      }
    }
    holdings.Apply(i);
  }
}

}  // namespace quorate::sim
