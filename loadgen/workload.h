// Workload: what is to be sent, fixed before the run and whatever the replies are.
//
//   Workload workload(options);
//   const PlannedOperation operation = workload.At(42);
//
// Everything about operation i is a pure function of the seed and i, so a run can be repeated. When
// it is due, a Schedule tells.
//
// Values: thread-compatible.
#ifndef QUORATE_LOADGEN_WORKLOAD_H_
#define QUORATE_LOADGEN_WORKLOAD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"

namespace quorate::loadgen {

// A time or a duration in nanoseconds; times count from the run's start on the monotonic clock.
using Nanos = int64_t;

inline constexpr Nanos kNanosPerSecond = 1'000'000'000;

struct WorkloadOptions {
  uint64_t seed = 0;
  double writes_per_operation = 0.1;  // 0..1
  size_t keys = 1;                    // > 0
  // The key, 0..keys-1, of an operation by its index and when it is due; null: uniformly.
  std::function<size_t(uint64_t index, Nanos due)> choose_key;
  size_t value_bytes = 100;  // at least; a value is longer where its own label is
  size_t targets = 1;        // > 0, chosen uniformly, but see below
  bool writes_to_first_target = false;
  bool reads_to_first_target = false;
};

struct PlannedOperation {
  uint64_t index = 0;
  Nanos due = 0;
  bool write = false;
  size_t key = 0;
  size_t target = 0;
};

class Workload {
 public:
  explicit Workload(const WorkloadOptions& options);

  // Operation `index`, which is due at `due`.
  PlannedOperation At(uint64_t index, Nanos due = 0) const;

  // As At, but a write of `key`.
  PlannedOperation WriteOf(size_t key, uint64_t index) const;

  // The key's name. It holds the seed, so that runs with different seeds do not share keys.
  std::string KeyName(size_t key) const;
  void AppendKeyName(size_t key, std::string* name) const;

  // Appends the value that write `operation` writes: it names key and writer, and is filled up with
  // dots.
  void AppendValue(const PlannedOperation& operation, std::string* value) const;

  // Whether `value` can have been written to `key` by any run with this seed.
  bool ValueBelongsTo(size_t key, absl::string_view value) const;

  const WorkloadOptions& options() const { return options_; }

 private:
  size_t TargetOf(uint64_t index, bool write) const;

  WorkloadOptions options_;
  std::string prefix_;  // of all key names
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_WORKLOAD_H_
