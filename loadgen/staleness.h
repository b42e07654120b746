// StalenessTracker: decides whether a read was stale, strictly and without a false alarm.
//
// A read is stale where it started after a write of its key had been answered OK and returned a
// smaller version than that write's (doc/semantics.md 85). Writes that failed, or whose outcome is
// unknown, oblige no read to anything (86).
//
//   const uint64_t floor = tracker.AtReadStart(key);   // before the read is sent
//   ... tracker.OnWriteAcknowledged(key, version) as writes are answered ...
//   if (StalenessTracker::IsStale(floor, version_read)) ...
//
// Not thread-safe: belongs to one thread.
#ifndef QUORATE_LOADGEN_STALENESS_H_
#define QUORATE_LOADGEN_STALENESS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace quorate::loadgen {

class StalenessTracker {
 public:
  // Keys are numbered 0..keys-1.
  explicit StalenessTracker(size_t keys) : acknowledged_(keys, 0) {}

  // A write of `key` was answered OK with `version`. Call it when the answer is there, not earlier.
  void OnWriteAcknowledged(size_t key, uint64_t version);

  // The version that a read of `key` that starts now must not fall below; 0 where no write has been
  // answered.
  uint64_t AtReadStart(size_t key) const { return acknowledged_[key]; }

  // `version_read` is 0 where the read found nothing.
  static bool IsStale(uint64_t floor, uint64_t version_read) { return version_read < floor; }

 private:
  std::vector<uint64_t> acknowledged_;  // the greatest version of each key
};

// A 95 % confidence interval of a probability (Wilson), after `hits` in `trials`; 0..1 after none.
struct Interval {
  double low = 0;
  double high = 1;
};
Interval WilsonInterval(uint64_t hits, uint64_t trials);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_STALENESS_H_
