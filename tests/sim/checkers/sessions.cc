// An operation that hands back what its session has seen of a key knows all of it: a read returns
// that or later values, whichever nodes answer and whatever they have forgotten, or fails. What the
// session has seen never gets less, also where a write finds a cluster that has forgotten it.
#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"

namespace quorate::sim {
namespace {

constexpr char kProperty[] = "sessions do not go back";

}  // namespace

void CheckSessions(const History& history, Report* report) {
  for (size_t index = 0; index < history.operations().size(); ++index) {
    const HistoryOperation& done = history.operations()[index];
    if (!done.ok() || done.session.empty()) continue;
    if (!history.PromiseFor(AskedW(history, done), AskedR(history, done)).sessions) continue;
    ++report->sessions_checked;
    const bool read = done.operation.kind == OperationKind::kGet;
    const Version& seen = SeenBySession(done.result);
    if ((!read || ReturnedVersion(done).Descends(done.session)) && seen.Descends(done.session)) {
      continue;
    }
    report->Add(kProperty,
                absl::StrCat("a session that had seen ", done.session.DebugString(),
                             read ? " read " : " wrote, and knows ", seen.DebugString()),
                {index});
  }
}

}  // namespace quorate::sim
