// At the durability "synced" nothing is shown that a crash could still take away. When a local read
// ends, its node's disk has synced a record that descends from what the read returned; when a read
// by quorum ends, the disks of all nodes together have.
#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"

namespace quorate::sim {
namespace {

// What is durable of one key, by node.
using DurableVersions = std::map<NodeId, Version>;

// All that is durable anywhere. Of sequenced versions, the greatest.
Version Together(const DurableVersions& durable) {
  Version together;
  for (const auto& [node, version] : durable) {
    if (version.sequenced()) {
      if (version.Descends(together)) together = version;
    } else {
      together.Join(version);
    }
  }
  return together;
}

}  // namespace

void CheckShownIsDurable(const History& history, Report* report) {
  if (!history.promise().keeps_acknowledged_writes) return;
  if (history.setting().durability != Durability::kSynced) return;
  std::map<std::string, DurableVersions> durable;
  for (const HistoryEvent& event : history.events()) {
    if (event.kind == EventKind::kDurable || event.kind == EventKind::kRecovered ||
        event.kind == EventKind::kForgot) {
      durable[event.key][event.node] = event.version;
    }
    if (event.kind != EventKind::kEnd) continue;
    const HistoryOperation& operation = history.operations()[event.operation];
    if (operation.operation.is_write() || !operation.ok()) continue;
    DurableVersions& versions = durable[operation.operation.key];
    const Version kept = operation.operation.kind == OperationKind::kLocalRead
                             ? versions[operation.node]
                             : Together(versions);
    if (kept.Descends(ReturnedVersion(operation))) continue;
    report->Add("what is shown is durable",
                absl::StrCat("a read returned more than ", kept.DebugString(),
                             ", which is what disks had synced of it"),
                {event.operation});
  }
}

}  // namespace quorate::sim
