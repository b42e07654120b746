// What one node holds of one key never goes back: every record that its store takes in descends
// from the one before, and the same version always comes with the same bytes. Seen at every batch
// that the store applies, within one life; a new life begins with what its disk still has. The same
// for what a client sees by local reads at one node, one after the other.
#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"

namespace quorate::sim {
namespace {

constexpr char kProperty[] = "versions never go back";

using Place = std::pair<NodeId, std::string>;

struct Held {
  Version version;
  uint64_t content = 0;
  WriteOrder winner;
};

void CheckStored(const HistoryEvent& event, bool linearizable, std::map<Place, Held>* held,
                 Report* report) {
  Held& before = (*held)[{event.node, event.key}];
  if (!event.version.Descends(before.version)) {
    report->Add(kProperty,
                absl::StrCat("node ", event.node, " went from ", before.version.DebugString(),
                             " to ", event.version.DebugString(), " on ", Shown(event.key)));
  } else if (event.version == before.version && event.content != before.content) {
    report->Add(kProperty, absl::StrCat("node ", event.node, " holds different records at ",
                                        event.version.DebugString(), " of ", Shown(event.key)));
  }
  // Else a version would dominate another one that comes after it (doc/semantics.md 8).
  if (linearizable && event.winner < before.winner) {
    report->Add(kProperty, absl::StrCat("node ", event.node, " shows an earlier write of ",
                                        Shown(event.key), " at ", event.version.DebugString(),
                                        " than at ", before.version.DebugString()));
  }
  before = Held{event.version, event.content, event.winner};
}

// The newest version that a local read had returned, and the read, by node and key; and the same as
// of the start of each open read.
struct LocalReads {
  std::map<Place, std::pair<Version, size_t>> seen;
  std::map<size_t, std::pair<Version, size_t>> seen_at_start;
};

void CheckLocalRead(const History& history, const HistoryEvent& event, LocalReads* reads,
                    Report* report) {
  const HistoryOperation& operation = history.operations()[event.operation];
  if (operation.operation.kind != OperationKind::kLocalRead || !operation.ok()) return;
  const Place place{event.node, operation.operation.key};
  if (event.kind == EventKind::kSubmit) {
    const auto it = reads->seen.find(place);
    if (it != reads->seen.end()) reads->seen_at_start[event.operation] = it->second;
    return;
  }
  const Version version = ReturnedVersion(operation);
  const auto it = reads->seen_at_start.find(event.operation);
  if (it != reads->seen_at_start.end() && !version.Descends(it->second.first)) {
    report->Add(kProperty,
                absl::StrCat("local reads at node ", event.node, " went from ",
                             it->second.first.DebugString(), " to ", version.DebugString()),
                {it->second.second, event.operation});
  }
  const auto seen = reads->seen.find(place);
  if (seen == reads->seen.end() || version.Descends(seen->second.first)) {
    reads->seen[place] = {version, event.operation};
  }
}

template <typename T>
void ForgetNode(NodeId node, std::map<Place, T>* places) {
  places->erase(places->lower_bound({node, ""}), places->lower_bound({node + 1, ""}));
}

}  // namespace

void CheckVersionOrder(const History& history, Report* report) {
  std::map<Place, Held> held;
  LocalReads reads;
  for (const HistoryEvent& event : history.events()) {
    switch (event.kind) {
      case EventKind::kStored:
        CheckStored(event, history.promise().linearizable, &held, report);
        break;
      case EventKind::kRecovered:
        held[{event.node, event.key}] = Held{event.version, event.content, event.winner};
        break;
      case EventKind::kCrash:
        ForgetNode(event.node, &held);
        ForgetNode(event.node, &reads.seen);
        break;
      case EventKind::kSubmit:
      case EventKind::kEnd:
        CheckLocalRead(history, event, &reads, report);
        break;
      case EventKind::kStart:
      case EventKind::kServing:
      case EventKind::kDurable:
      case EventKind::kForgot:
      case EventKind::kTryEnd:
        break;
    }
  }
}

}  // namespace quorate::sim
