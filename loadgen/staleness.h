// StalenessTracker: decides whether a read was stale, strictly and without a false alarm.
//
// A read is stale where it started after a write of its key had been answered OK and returned
// something that comes before that write in the key's order (doc/semantics.md 85). Writes that
// failed, or whose outcome is unknown, oblige no read to anything (86). It counts what a
// StalenessRecorder counts, in a few words for each key, and tells no more.
//
//   const Order floor = tracker.AtReadStart(key);   // before the read is sent
//   ... tracker.OnWriteAcknowledged(key, order) as writes are answered ...
//   if (StalenessTracker::IsStale(floor, order_read)) ...
//
// Not thread-safe: belongs to one thread.
#ifndef QUORATE_LOADGEN_STALENESS_H_
#define QUORATE_LOADGEN_STALENESS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "client/messages.h"

namespace quorate::loadgen {

class StalenessTracker {
 public:
  // Keys are numbered 0..keys-1.
  explicit StalenessTracker(size_t keys) : acknowledged_(keys) {}

  // A write of `key` was answered OK with `order`. Call it when the answer is there, not earlier.
  void OnWriteAcknowledged(size_t key, const Order& order);

  // What a read of `key` that starts now must not fall below; {} where no write has been answered.
  const Order& AtReadStart(size_t key) const { return acknowledged_[key]; }

  // `order_read` is {} where the read found nothing.
  static bool IsStale(const Order& floor, const Order& order_read) { return order_read < floor; }

 private:
  std::vector<Order> acknowledged_;  // the greatest of each key
};

// A 95 % confidence interval of a probability (Wilson), after `hits` in `trials`; 0..1 after none.
struct Interval {
  double low = 0;
  double high = 1;
};
Interval WilsonInterval(uint64_t hits, uint64_t trials);

// The same for a share in 0..1 of `trials` > 0, which need not be a whole number, reaching so many
// standard `deviations` to each side.
Interval WilsonInterval(double share, double trials, double deviations);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_STALENESS_H_
