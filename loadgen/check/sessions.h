// Session guarantees: what one session may expect of its own operations on one key.
//
//   const SessionResults results = CheckSessions(history);
//   if (results.read_your_writes.verdict() == Verdict::kViolated) ...
//
//   read your writes     a read returns no less than the session's earlier acknowledged writes
//   monotonic reads      a read returns no less than the session's earlier reads
//   monotonic writes     a write's version exceeds those of the session's earlier acknowledged
//   writes writes follow reads  a write's version exceeds those that the session had read before
//
// Each compares versions within a key; what a session did to other keys does not matter. "Earlier"
// means ended before the other began, so sessions may have several operations in flight. Writes
// of unknown outcome are judged where their value was read. O(n log n).
//
// Pure functions.
#ifndef QUORATE_LOADGEN_CHECK_SESSIONS_H_
#define QUORATE_LOADGEN_CHECK_SESSIONS_H_

#include "loadgen/check/check_result.h"
#include "loadgen/check/history.h"

namespace quorate::check {

struct SessionResults {
  CheckResult read_your_writes{"read your writes"};
  CheckResult monotonic_reads{"monotonic reads"};
  CheckResult monotonic_writes{"monotonic writes"};
  CheckResult writes_follow_reads{"writes follow reads"};
};

// REQUIRES: `history` is sorted by key. Where the order is not total, the two about writes are
// unknown, since concurrent writes may have equal versions.
SessionResults CheckSessions(const History& history);

// The same for one key; adds to `results`.
void CheckSessionsOfKey(const KeyOperations& key, bool order_is_total, SessionResults* results);

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_SESSIONS_H_
