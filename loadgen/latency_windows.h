// LatencyWindows: response times of a run by the window of its time that they fell into, as a
// result file tells them, and how far a percentile may stray by chance where they come in bursts.
//
//   PercentileReach reach(a.windows->read_response, b.windows->read_response);
//   a.read_response.PercentileInterval(0.99, [&reach](int64_t nanos) { return reach.At(nanos); });
//
// Values: thread-compatible.
#ifndef QUORATE_LOADGEN_LATENCY_WINDOWS_H_
#define QUORATE_LOADGEN_LATENCY_WINDOWS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "loadgen/design_effect.h"
#include "loadgen/json_fields.h"

namespace quorate::loadgen {

class LatencyWindows {
 public:
  LatencyWindows() = default;

  // The member `name` of each of `windows`, which are in the order of time. InvalidArgument, which
  // names it, where it is damaged: no list of values with counts, in order, or more different
  // values than any histogram of a result file has buckets.
  static absl::StatusOr<LatencyWindows> FromJson(const Json& windows, const std::string& name);

  // Of all windows.
  double count() const { return count_; }
  // Of one. REQUIRES: there is such a window.
  double CountIn(size_t window) const;
  // The least nanoseconds of all buckets in which something lies in any window, ascending.
  const std::vector<int64_t>& edges() const { return edges_; }
  // Of the share of durations that are not below `nanos`, which is the edge of a bucket of one of
  // the runs. nullopt where there are too few windows.
  std::optional<DesignEffect> EffectAtLeast(int64_t nanos) const;

 private:
  // Least nanoseconds, and how many durations are not below.
  using Bucket = std::pair<int64_t, double>;

  std::vector<std::vector<Bucket>> windows_;
  std::vector<int64_t> edges_;
  double count_ = 0;
};

// How far a rank may stray by chance, for the percentiles of one run beside those of another.
//
// The interval of a percentile holds the durations v for which a test at 95 % accepts that v is
// that percentile. Bursts reach some v and not others, so each has a design effect of its own: the
// greater one of those at both edges of v's bucket.
//
// Not thread-safe. Both runs must outlive it.
class PercentileReach {
 public:
  PercentileReach(const LatencyWindows& own, const LatencyWindows& other);

  // How many binomial standard errors. nullopt where too little is known.
  std::optional<double> At(int64_t nanos);

 private:
  std::optional<double> AtEdge(int64_t edge) const;

  const LatencyWindows& own_;
  const LatencyWindows& other_;
  std::vector<int64_t> edges_;                     // of both, ascending
  std::map<size_t, std::optional<double>> known_;  // by how many edges are not above
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_LATENCY_WINDOWS_H_
