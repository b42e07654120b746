// LatencyQuantile: the time that a given share of the recent samples has not exceeded.
//
//   LatencyQuantile p95(0.95);
//   p95.Add(absl::Milliseconds(3));
//   p95.value();   // none before the first kStride samples
//
// Looks at the last kWindow samples, and anew only after every kStride of them: a sample costs
// little.
//
// Not thread-safe: runs on the replica's strand.
#ifndef QUORATE_REPLICATION_LATENCY_QUANTILE_H_
#define QUORATE_REPLICATION_LATENCY_QUANTILE_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/time/time.h"

namespace quorate {

class LatencyQuantile {
 public:
  static constexpr size_t kWindow = 256;
  static constexpr size_t kStride = 16;

  // 0 < share < 1, else the program is wrong and stops.
  explicit LatencyQuantile(double share);

  void Add(absl::Duration sample);

  std::optional<absl::Duration> value() const { return value_; }

 private:
  absl::Duration Compute() const;

  const double share_;
  std::vector<absl::Duration> window_;  // a ring once it is full
  size_t next_ = 0;                     // in window_
  size_t unseen_ = 0;                   // samples since value_ was computed
  std::optional<absl::Duration> value_;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_LATENCY_QUANTILE_H_
