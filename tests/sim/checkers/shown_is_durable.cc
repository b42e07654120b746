// At the durability "synced" nothing is shown that a crash could still take away. When a local read
// ends, its node's disk has synced a record that descends from what the read returned; when a read
// by quorum ends, the disks of all nodes together have, those too that were lost while it was open:
// an answer may have come from there before.
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"

namespace quorate::sim {
namespace {

// What is durable of one key, by node.
using DurableVersions = std::map<NodeId, Version>;

// Of sequenced versions the greater one, of others both.
void Add(const Version& version, Version* together) {
  if (!version.sequenced()) {
    together->Join(version);
  } else if (version.Descends(*together)) {
    *together = version;
  }
}

class Durable {
 public:
  explicit Durable(const History& history) : history_(history) {}

  void Apply(const HistoryEvent& event) {
    if (event.kind == EventKind::kSubmit) lost_[event.operation];
    if (event.kind != EventKind::kDurable && event.kind != EventKind::kRecovered &&
        event.kind != EventKind::kForgot) {
      return;
    }
    const Version before = std::exchange(held_[event.key][event.node], event.version);
    if (event.version.Descends(before)) return;
    for (auto& [operation, lost] : lost_) {
      if (history_.operations()[operation].operation.key == event.key) Add(before, &lost);
    }
  }

  // What the operation, which ends, may have been shown.
  Version Shown(size_t index) {
    const HistoryOperation& operation = history_.operations()[index];
    DurableVersions& held = held_[operation.operation.key];
    Version shown = std::move(lost_[index]);
    lost_.erase(index);
    if (operation.operation.kind == OperationKind::kLocalRead) return held[operation.node];
    for (const auto& [node, version] : held) Add(version, &shown);
    return shown;
  }

 private:
  const History& history_;
  std::map<std::string, DurableVersions> held_;
  std::map<size_t, Version> lost_;  // by open operation: of its key, meanwhile
};

}  // namespace

void CheckShownIsDurable(const History& history, Report* report) {
  if (!history.promise().keeps_acknowledged_writes) return;
  if (history.setting().durability != Durability::kSynced) return;
  Durable durable(history);
  for (const HistoryEvent& event : history.events()) {
    durable.Apply(event);
    if (event.kind != EventKind::kEnd) continue;
    const HistoryOperation& operation = history.operations()[event.operation];
    const Version kept = durable.Shown(event.operation);
    if (operation.operation.is_write() || !operation.ok()) continue;
    if (kept.Descends(ReturnedVersion(operation))) continue;
    report->Add("what is shown is durable",
                absl::StrCat("a read returned more than ", kept.DebugString(),
                             ", which is what disks had synced of it"),
                {event.operation});
  }
}

}  // namespace quorate::sim
