// With a leader, of two writes of a key that were answered OK, one after the other, the later one
// ranks above the earlier one, whatever W each asked for and however often the leader has started
// anew: else the earlier one, wherever a node still holds it, would replace the later one.
//
// The promise ends where W nodes have at one time forgotten something and not caught up yet
// (ForgetfulNodes): then nobody may know any more which epochs there were.
#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"
#include "tests/sim/checkers/holdings.h"

namespace quorate::sim {
namespace {

void CheckWrite(const History& history, const Holdings& holdings, size_t index, Report* report) {
  const HistoryOperation& later = history.operations()[index];
  const Version version = ReturnedVersion(later);
  if (!version.sequenced()) return;
  for (const size_t place : holdings.AcknowledgedOf(later.operation.key)) {
    const TrackedWrite& write = holdings.writes()[place];
    if (history.operations()[write.operation].end_event > later.submit_event) break;
    if (version.Descends(write.version) || write.holders.Count() == 0) continue;
    report->Add(
        "later writes rank above earlier ones",
        absl::StrCat("a write at ", version.DebugString(), " began after one had been answered at ",
                     write.version.DebugString(), ", which a node still holds"),
        {write.operation, index});
  }
}

}  // namespace

void CheckWriteOrder(const History& history, Report* report) {
  Holdings holdings(history);
  ForgetfulNodes forgetful(history.setting().durability);
  for (size_t i = 0; i < history.events().size(); ++i) {
    const HistoryEvent& event = history.events()[i];
    holdings.Apply(i);
    forgetful.Apply(event);
    if (forgetful.Count() >= history.setting().quorums.w) return;
    if (event.kind != EventKind::kEnd) continue;
    const HistoryOperation& operation = history.operations()[event.operation];
    if (operation.operation.is_write() && operation.ok()) {
      CheckWrite(history, holdings, event.operation, report);
    }
  }
}

}  // namespace quorate::sim
