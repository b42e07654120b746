// Where W+R>N, a read that began after a write was answered OK returns that write or one that knows
// of it. "Began after" is exact: the read reached its node after the write's answer had left.
// Versions decide, so a read of a deleted key is checked like any other.
//
// As long as no node has forgotten anything in this run, that is without exception. Afterwards a
// read may be stale only if R nodes have, since the write's answer, served at a time when they
// lacked it; with fewer, any R nodes that serve include one that knows of it.
#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"
#include "tests/sim/checkers/holdings.h"

namespace quorate::sim {
namespace {

constexpr char kProperty[] = "no stale reads";

void CheckRead(const History& history, const Holdings& holdings, size_t index, Report* report) {
  const HistoryOperation& read = history.operations()[index];
  // The leader answers a linearizable read once W follow it.
  const int r = read.operation.linearizable ? history.setting().quorums.w : AskedR(history, read);
  if (read.result.required != r || read.result.answers < r) {
    report->Add(kProperty,
                absl::StrCat("a read was answered OK with ", read.result.answers, " of ",
                             read.result.required, " answers, but asked for ", r),
                {index});
  }
  // What the leader answers is the promise of linearizable.cc: it may miss writes that asked for
  // fewer than W replicas.
  if (read.operation.linearizable && !history.promise().linearizable) return;
  const Version version = ReturnedVersion(read);
  bool checked = false;
  for (const size_t place : holdings.WritesOf(read.operation.key)) {
    const TrackedWrite& write = holdings.writes()[place];
    const HistoryOperation& written = history.operations()[write.operation];
    if (!write.acknowledged || written.end_event > read.submit_event) continue;
    const bool promised = history.PromiseFor(write.w, r).no_stale_reads &&
                          !(holdings.anybody_forgot() && write.served_without.Count() >= r);
    const bool stale = !version.Descends(write.version);
    checked = checked || promised;
    report->stale_reads_allowed += stale && !promised ? 1 : 0;
    if (!stale || !promised) continue;
    report->Add(kProperty,
                absl::StrCat("a read at R=", r, " began after a write at W=", write.w,
                             " was answered, and does not know of it; the nodes ",
                             write.served_without.DebugString(), " have served without it"),
                {write.operation, index});
    return;
  }
  report->reads_checked += checked ? 1 : 0;
}

}  // namespace

void CheckStaleReads(const History& history, Report* report) {
  Holdings holdings(history);
  for (size_t i = 0; i < history.events().size(); ++i) {
    holdings.Apply(i);
    const HistoryEvent& event = history.events()[i];
    if (event.kind != EventKind::kEnd) continue;
    const HistoryOperation& operation = history.operations()[event.operation];
    if (operation.operation.kind != OperationKind::kGet || !operation.ok()) continue;
    CheckRead(history, holdings, event.operation, report);
  }
}

}  // namespace quorate::sim
