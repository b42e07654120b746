#include "loadgen/check/sessions.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "loadgen/check/finished.h"
#include "loadgen/check/resolve.h"

namespace quorate::check {
namespace {

constexpr char kNotTotal[] =
    "concurrent writes may share a version, so versions are no total order";
constexpr char kNoOrder[] = "operations without a version";

class SessionSweep {
 public:
  SessionSweep(const KeyOperations& key, const Resolved& resolved, bool order_is_total,
               SessionResults* results)
      : key_(key), resolved_(resolved), order_is_total_(order_is_total), results_(results) {}

  void NextSession() {
    in_flight_.Clear();
    written_ = Highest();
    read_ = Highest();
  }

  // The session's operations by start.
  void Take(uint32_t place) {
    const Operation& operation = key_.operations[place];
    const uint64_t version = resolved_.version[place];
    in_flight_.PopBefore(operation.start, [this](const Finished& entry) {
      (key_.operations[entry.operation].is_write() ? written_ : read_).Take(entry);
    });
    if (operation.is_read()) {
      if (written_.IsAbove(version)) {
        Add(ConflictKind::kReadYourWrites, written_, place, &results_->read_your_writes);
      }
      if (read_.IsAbove(version)) {
        Add(ConflictKind::kMonotonicReads, read_, place, &results_->monotonic_reads);
      }
    } else if (order_is_total_) {
      if (written_.any && written_.version >= version) {
        Add(ConflictKind::kMonotonicWrites, written_, place, &results_->monotonic_writes);
      }
      if (read_.any && read_.version >= version) {
        Add(ConflictKind::kWritesFollowReads, read_, place, &results_->writes_follow_reads);
      }
    }
    in_flight_.Push(Finished{operation.finish(), version, place});
  }

 private:
  void Add(ConflictKind kind, const Highest& earlier, uint32_t place, CheckResult* result) {
    const Nanos severity =
        Between(key_.operations[earlier.operation].end, key_.operations[place].start);
    result->Add(
        Conflict{kind, key_.key, severity, WitnessOf(key_, resolved_, {earlier.operation, place})});
  }

  const KeyOperations& key_;
  const Resolved& resolved_;
  const bool order_is_total_;
  SessionResults* const results_;
  FinishedQueue in_flight_;
  Highest written_;  // by the session, and acknowledged
  Highest read_;     // by the session
};

}  // namespace

void CheckSessionsOfKey(const KeyOperations& key, bool order_is_total, SessionResults* results) {
  const Resolved resolved = ResolveByOrder(key, order_is_total);
  // Session and place in one number: comparing them does not touch the operations.
  std::vector<uint64_t> places;
  for (uint32_t i = 0; i < key.operations.size(); ++i) {
    if (resolved.version[i] == kNoVersion) continue;
    places.push_back(uint64_t{key.operations[i].session} << 32 | i);
  }
  std::sort(places.begin(), places.end());
  SessionSweep sweep(key, resolved, order_is_total, results);
  for (size_t i = 0; i < places.size(); ++i) {
    if (i == 0 || places[i] >> 32 != places[i - 1] >> 32) sweep.NextSession();
    sweep.Take(static_cast<uint32_t>(places[i]));  // places go with starts
  }
  for (CheckResult* result : {&results->read_your_writes, &results->monotonic_reads,
                              &results->monotonic_writes, &results->writes_follow_reads}) {
    if (resolved.unclear > 0) result->CannotTell(kNoOrder);
    result->CountKey(resolved.reads, resolved.writes);
  }
  if (!order_is_total) {
    results->monotonic_writes.CannotTell(kNotTotal);
    results->writes_follow_reads.CannotTell(kNotTotal);
  }
}

SessionResults CheckSessions(const History& history) {
  SessionResults results;
  for (const KeyOperations& key : SplitByKey(history)) {
    CheckSessionsOfKey(key, history.order_is_total, &results);
  }
  return results;
}

}  // namespace quorate::check
