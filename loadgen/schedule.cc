#include "loadgen/schedule.h"

#include <cmath>

#include "loadgen/random_stream.h"

namespace quorate::loadgen {
namespace {

// Of the exponential distribution with mean 1.
double Gap(uint64_t seed, uint64_t index) {
  return -std::log1p(-StreamOf(seed, index, StreamPurpose::kSpacing).NextUnit());
}

}  // namespace

Schedule::Schedule(const ScheduleOptions& options) : options_(options) {
  if (options_.spacing == Spacing::kPoisson) gaps_ = Gap(options_.seed, 0);
  due_ = DueNow();
}

void Schedule::Advance() {
  ++index_;
  if (options_.spacing == Spacing::kPoisson) gaps_ += Gap(options_.seed, index_);
  due_ = DueNow();
}

// By the time t of a ramp, rate * t^2 / (2 * ramp) operations are due on average; later than that,
// rate * t.
Nanos Schedule::DueNow() const {
  const bool even = options_.spacing == Spacing::kEven;
  const double position = even ? static_cast<double>(index_) : gaps_;
  if (options_.ramp > 0) {
    return static_cast<Nanos>(std::sqrt(2.0 * static_cast<double>(options_.ramp) * position /
                                        options_.operations_per_second * kNanosPerSecond));
  }
  if (!even) return static_cast<Nanos>(position / options_.operations_per_second * kNanosPerSecond);
  // The product needs more than a double's 53 bits, so as not to drift in a long run.
  return static_cast<Nanos>(static_cast<long double>(index_) * kNanosPerSecond /
                            options_.operations_per_second);
}

}  // namespace quorate::loadgen
