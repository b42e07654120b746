// HybridClock: timestamps that follow the wall clock, and run ahead of it where that is needed to
// stay above everything seen. After Kulkarni, Demirbas, Madappa, Avva and Leone, "Logical Physical
// Clocks" (2014), in one 64-bit number of microseconds (doc/semantics.md 36).
//
// Not thread-safe.
#ifndef QUORATE_REPLICATION_DYNAMO_HYBRID_CLOCK_H_
#define QUORATE_REPLICATION_DYNAMO_HYBRID_CLOCK_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace quorate {

class HybridClock {
 public:
  // A timestamp above every one returned or observed before.
  uint64_t Tick(absl::Time wall) {
    const int64_t physical = std::max<int64_t>(0, absl::ToUnixMicros(wall));
    last_ = std::max(static_cast<uint64_t>(physical), last_ + 1);
    return last_;
  }

  void Observe(uint64_t timestamp) { last_ = std::max(last_, timestamp); }

  // How far the timestamps have run ahead of the wall clock; negative where they have not.
  absl::Duration Ahead(absl::Time wall) const {
    return absl::FromUnixMicros(static_cast<int64_t>(last_)) - wall;
  }

 private:
  uint64_t last_ = 0;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_DYNAMO_HYBRID_CLOCK_H_
