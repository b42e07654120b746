// Workload: what is to be sent, fixed before the run and whatever the replies are.
//
//   Workload workload(options);
//   const PlannedOperation operation = workload.At(42);
//
// Everything about operation i is a pure function of the seed and i, so a run can be repeated; but
// where keys are inserted, which of them are read depends on which of them exist by then. When an
// operation is due, a Schedule tells.
//
// Values: thread-compatible.
#ifndef QUORATE_LOADGEN_WORKLOAD_H_
#define QUORATE_LOADGEN_WORKLOAD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

#include "loadgen/mix.h"

namespace quorate::loadgen {

// A time or a duration in nanoseconds; times count from the run's start on the monotonic clock.
using Nanos = int64_t;

inline constexpr Nanos kNanosPerSecond = 1'000'000'000;

struct WorkloadOptions {
  uint64_t seed = 0;
  double writes_per_operation = 0.1;  // 0..1
  std::optional<OperationMix> mix;    // what is done instead
  size_t keys = 1;                    // > 0; those that exist before the first insert
  size_t max_inserted_keys = 0;       // once there are so many, inserts write the newest key
  // The key, 0..born-1, of an operation by its index, when it is due, and the keys there are by
  // then; null: uniformly.
  std::function<size_t(uint64_t index, Nanos due, uint64_t born)> choose_key;
  size_t value_bytes = 100;  // at least; a value is longer where its own label is
  size_t targets = 1;        // > 0, chosen uniformly, but see below
  bool writes_to_first_target = false;
  bool reads_to_first_target = false;
};

// What an operation is part of.
enum class Step {
  kAlone,
  kInsert,       // a write of a key that does not exist yet
  kReadOfPair,   // once it has succeeded, its key is written
  kWriteOfPair,  // due when its read had ended
};

struct PlannedOperation {
  uint64_t index = 0;  // a pair has one
  Nanos due = 0;
  bool write = false;
  Step step = Step::kAlone;
  Nanos pair_due = 0;  // of kWriteOfPair: when the pair was due
  size_t key = 0;      // of kInsert: not chosen yet
  size_t target = 0;
};

class Workload {
 public:
  explicit Workload(const WorkloadOptions& options);

  // Operation `index`, which is due at `due`, where keys 0..born-1 exist, at least `keys`.
  PlannedOperation At(uint64_t index, Nanos due, uint64_t born) const;
  PlannedOperation At(uint64_t index, Nanos due = 0) const { return At(index, due, options_.keys); }

  // The write that follows the read of a pair.
  PlannedOperation WriteAfter(const PlannedOperation& read, Nanos due) const;

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

  // Keys are below this, whatever is inserted.
  size_t key_limit() const { return options_.keys + options_.max_inserted_keys; }

 private:
  MixedOperation KindAt(uint64_t index) const;
  size_t TargetOf(uint64_t index, bool write) const;

  WorkloadOptions options_;
  std::string prefix_;  // of all key names
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_WORKLOAD_H_
