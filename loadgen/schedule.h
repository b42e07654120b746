// Schedule: when the operations of a phase are due, as a pure function of the seed.
//
//   Schedule schedule(ScheduleOptions{});
//   while (schedule.due() < end) { ...; schedule.Advance(); }
//
// Values: thread-compatible.
#ifndef QUORATE_LOADGEN_SCHEDULE_H_
#define QUORATE_LOADGEN_SCHEDULE_H_

#include <cstdint>

#include "loadgen/workload.h"

namespace quorate::loadgen {

enum class Spacing {
  kEven,     // operation i at i / rate
  kPoisson,  // independent gaps, exponentially distributed: as from many users
};

struct ScheduleOptions {
  uint64_t seed = 0;  // of the gaps; even spacing has no use for it
  Spacing spacing = Spacing::kEven;
  double operations_per_second = 1;  // > 0
  // Longer than 0: the rate grows from 0 to `operations_per_second` over this time, and the
  // schedule should be left then.
  Nanos ramp = 0;
};

class Schedule {
 public:
  explicit Schedule(const ScheduleOptions& options);

  // When the next operation is due, after the phase's start. Never decreases.
  Nanos due() const { return due_; }

  // Goes on to the operation after it.
  void Advance();

 private:
  Nanos DueNow() const;

  ScheduleOptions options_;
  uint64_t index_ = 0;
  double gaps_ = 0;  // Poisson: the sum of the gaps so far, in gaps of the mean length
  Nanos due_ = 0;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_SCHEDULE_H_
