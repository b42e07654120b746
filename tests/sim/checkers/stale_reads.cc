// Where W+R>N, a read that began after a write was answered OK returns that write or one that knows
// of it. "Began after" is exact: the read reached its node after the write's answer had left.
// Versions decide, so a read of a deleted key is checked like any other.
//
// A local read counts as one at R=1: so at W=N every node that serves holds every write that was
// answered.
//
// As long as no node has forgotten anything in this run, that is without exception. Afterwards a
// read may be stale only if R nodes (of a local read, its own) have, since the write's answer,
// served at a time when they lacked it; with fewer, any R nodes that serve include one that knows
// of it.
#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"
#include "tests/sim/checkers/holdings.h"

namespace quorate::sim {
namespace {

constexpr char kProperty[] = "no stale reads";

void CheckAnswers(const HistoryOperation& read, int r, size_t index, Report* report) {
  if (read.result.required == r && read.result.answers >= r) return;
  report->Add(kProperty,
              absl::StrCat("a read was answered OK with ", read.result.answers, " of ",
                           read.result.required, " answers, but asked for ", r),
              {index});
}

// For a write that waited for `w`, and a read that waited for `r`.
bool Promised(const History& history, int w, int r, bool local) {
  // A cluster that chooses W and R by itself has no such read to promise anything for.
  if (local) return history.promise().keeps_acknowledged_writes && w == history.setting().quorums.n;
  return history.PromiseFor(w, r).no_stale_reads;
}

void CheckRead(const History& history, const Holdings& holdings, size_t index, Report* report) {
  const HistoryOperation& read = history.operations()[index];
  const bool local = read.operation.kind == OperationKind::kLocalRead;
  // The leader answers a linearizable read once W follow it.
  const int r = local                         ? 1
                : read.operation.linearizable ? history.setting().quorums.w
                                              : AskedR(history, read);
  if (!local) CheckAnswers(read, r, index, report);
  // What the leader answers is the promise of linearizable.cc: it may miss writes that asked for
  // fewer than W replicas.
  if (read.operation.linearizable && !history.promise().linearizable) return;
  const Version version = ReturnedVersion(read);
  bool checked = false;
  for (const size_t place : holdings.AcknowledgedOf(read.operation.key)) {
    const TrackedWrite& write = holdings.writes()[place];
    const HistoryOperation& written = history.operations()[write.operation];
    if (written.end_event > read.submit_event) break;  // and so did the rest
    const bool stale = !version.Descends(write.version);
    if (!stale && checked) continue;  // most are
    const bool enough_lack_it =
        local ? write.served_without.Has(read.node) : write.served_without.Count() >= r;
    const bool promised =
        Promised(history, write.w, r, local) && !(holdings.anybody_forgot() && enough_lack_it);
    checked = checked || promised;
    report->stale_reads_allowed += stale && !promised && !local ? 1 : 0;
    if (!stale || !promised) continue;
    report->Add(kProperty,
                absl::StrCat("a ", local ? "local read" : absl::StrCat("read at R=", r),
                             " began after a write at W=", write.w,
                             " was answered, and does not know of it; the nodes ",
                             write.served_without.DebugString(), " have served without it"),
                {write.operation, index});
    return;
  }
  if (checked && !read.final_phase) ++(local ? report->local_reads_checked : report->reads_checked);
}

}  // namespace

void CheckStaleReads(const History& history, Report* report) {
  Holdings holdings(history);
  for (size_t i = 0; i < history.events().size(); ++i) {
    holdings.Apply(i);
    const HistoryEvent& event = history.events()[i];
    if (event.kind != EventKind::kEnd) continue;
    const HistoryOperation& operation = history.operations()[event.operation];
    if (operation.operation.is_write() || !operation.ok()) continue;
    CheckRead(history, holdings, event.operation, report);
  }
}

}  // namespace quorate::sim
