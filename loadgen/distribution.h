// Distribution: the durations that a result file tells of, as counts of values, ready to be added
// up and asked for percentiles.
//
//   absl::StatusOr<Distribution> sum = Distribution::FromJson(a["send_lag"], "send_lag");
//   absl::Status added = sum->Add(*Distribution::FromJson(b["send_lag"], "send_lag"));
//   sum->Percentile(0.99);   // seconds, of all of them; never a mean of percentiles
//
// Values: thread-compatible.
#ifndef QUORATE_LOADGEN_DISTRIBUTION_H_
#define QUORATE_LOADGEN_DISTRIBUTION_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "loadgen/json_fields.h"

namespace quorate::loadgen {

// Nanoseconds and how many durations, ascending.
using ValueCounts = std::vector<std::pair<int64_t, uint64_t>>;

// The compressed text of a histogram that other programs read.
using HistogramEncoder = std::function<std::string(const ValueCounts&)>;

// The percentiles that result files hold, by the names that they have there.
struct NamedQuantile {
  const char* name;
  double quantile;
};
inline constexpr NamedQuantile kFileQuantiles[] = {
    {"50", 0.5}, {"90", 0.9}, {"95", 0.95}, {"99", 0.99}, {"99.9", 0.999}, {"99.99", 0.9999}};

class Distribution {
 public:
  // None at all, of whatever histogram.
  Distribution() = default;

  // Reads a latency section of a result file. InvalidArgument, which names it by `name`, where it
  // is damaged or contradicts itself.
  static absl::StatusOr<Distribution> FromJson(const Json& latency, absl::string_view name);

  // Of single durations in seconds, each exact. Negative ones count as 0.
  static Distribution FromSeconds(const std::vector<double>& durations);

  // Adds what `other` holds, value by value. InvalidArgument, and nothing changes, where both hold
  // something and their histograms differ in their parameters.
  absl::Status Add(const Distribution& other);

  uint64_t count() const { return count_; }
  // In seconds; not a number where it is empty.
  double mean() const;
  double min() const;
  double max() const;

  struct Interval {
    double low = 0;
    double high = 0;
  };

  // In seconds. nullopt where fewer than ten durations lie above, which says nothing.
  std::optional<double> Percentile(double quantile) const;
  // The 95 % confidence interval of it, from the order of the durations, as if they were
  // independent. nullopt as above, and where it reaches beyond the durations.
  std::optional<Interval> PercentileInterval(double quantile) const;

  // How far the number of durations up to that many nanoseconds may stray by chance, in binomial
  // standard errors; nullopt where that is not known.
  using Reach = std::function<std::optional<double>(int64_t)>;
  // The same, with every duration around the percentile that `reach` allows for. nullopt as above,
  // and where it reaches a duration for which `reach` is nullopt.
  std::optional<Interval> PercentileInterval(double quantile, const Reach& reach) const;

  // As a latency section. Without an encoder the compressed text is left empty.
  Json ToJson(const HistogramEncoder& encoder) const;

 private:
  absl::Status ReadHistogram(const Json& histogram, absl::string_view name);
  double ValueAtRank(uint64_t rank) const;

  uint64_t count_ = 0;
  double sum_ = 0;  // seconds
  double min_ = 0;
  double max_ = 0;
  ValueCounts values_;
  int significant_digits_ = 3;
  std::string unit_ = "ns";
  int64_t lowest_ = 1;
  int64_t highest_ = 60'000'000'000;  // may differ: values that are too long raise it
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_DISTRIBUTION_H_
