#include "loadgen/distribution.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"

namespace quorate::loadgen {
namespace {

constexpr double kSecondsPerNano = 1e-9;
constexpr uint64_t kLeastAbove = 10;
constexpr double kZ = 1.959964;  // 97.5 % of a normal distribution lie below
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

absl::Status Damaged(absl::string_view name, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("'", name, "' is damaged: ", why));
}

// Which of `count` durations in ascending order, the first being 1, is not exceeded by that part of
// them. The product of a rounded fraction may pass a whole number by its last bits, and must not
// count one more for that.
uint64_t RankOf(double quantile, uint64_t count) {
  const double exact = quantile * static_cast<double>(count);
  const double rank = std::ceil(exact - exact * 0x1p-51);
  return std::min(std::max<uint64_t>(static_cast<uint64_t>(std::max(rank, 0.0)), 1), count);
}

// Adds up two ascending lists.
ValueCounts Sum(const ValueCounts& a, const ValueCounts& b) {
  ValueCounts sum;
  sum.reserve(std::max(a.size(), b.size()));
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (j == b.size() || (i < a.size() && a[i].first < b[j].first)) {
      sum.push_back(a[i++]);
    } else if (i == a.size() || b[j].first < a[i].first) {
      sum.push_back(b[j++]);
    } else {
      sum.emplace_back(a[i].first, a[i].second + b[j].second);
      ++i;
      ++j;
    }
  }
  return sum;
}

}  // namespace

absl::StatusOr<Distribution> Distribution::FromJson(const Json& latency, absl::string_view name) {
  if (!latency.is_object()) return Damaged(name, "it is no object");
  Distribution distribution;
  const absl::Status read = distribution.ReadHistogram(ObjectAt(latency, "histogram"), name);
  if (!read.ok()) return read;
  if (distribution.count_ != CountAt(latency, "count")) {
    return Damaged(name, absl::StrCat("its histogram holds ", distribution.count_,
                                      " durations, but it tells of ", CountAt(latency, "count")));
  }
  if (distribution.count_ == 0) return distribution;
  const double mean = NumberAt(latency, "mean");
  distribution.min_ = NumberAt(latency, "min");
  distribution.max_ = NumberAt(latency, "max");
  // Written so that what is not a number is refused, too.
  if (!(distribution.min_ >= 0) || !(mean >= distribution.min_ * (1 - 1e-9)) ||
      !(mean <= distribution.max_ * (1 + 1e-9))) {
    return Damaged(name, "its mean is not between its minimum and its maximum");
  }
  distribution.sum_ = mean * static_cast<double>(distribution.count_);
  return distribution;
}

absl::Status Distribution::ReadHistogram(const Json& histogram, absl::string_view name) {
  significant_digits_ = static_cast<int>(std::min<uint64_t>(
      CountAt(histogram, "significant_digits"), std::numeric_limits<int>::max()));
  unit_ = TextAt(histogram, "unit");
  const auto bound = [&histogram](const char* member) {
    return static_cast<int64_t>(
        std::min<uint64_t>(CountAt(histogram, member), std::numeric_limits<int64_t>::max()));
  };
  lowest_ = bound("lowest");
  highest_ = bound("highest");
  for (const Json& entry : ListAt(histogram, "sparse")) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_number_unsigned() ||
        !entry[1].is_number_unsigned()) {
      return Damaged(name, "its histogram holds something that is no value with a count");
    }
    const uint64_t value = entry[0].get<uint64_t>();
    const uint64_t count = entry[1].get<uint64_t>();
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) || count == 0 ||
        count > std::numeric_limits<uint64_t>::max() / 4 - count_ ||
        (!values_.empty() && static_cast<int64_t>(value) <= values_.back().first)) {
      return Damaged(name, "its histogram is not in order, or a number in it is too large");
    }
    values_.emplace_back(static_cast<int64_t>(value), count);
    count_ += count;
  }
  if (count_ > 0 && unit_ != "ns") {
    return Damaged(name, absl::StrCat("its histogram is in '", unit_, "', not in ns"));
  }
  return absl::OkStatus();
}

Distribution Distribution::FromSeconds(const std::vector<double>& durations) {
  Distribution distribution;
  // Longer than any duration that is meant, and short enough for int64.
  constexpr double kLongest = 1e9;
  std::vector<double> sorted;
  for (const double duration : durations) {
    if (!std::isnan(duration)) sorted.push_back(std::min(std::max(duration, 0.0), kLongest));
  }
  std::sort(sorted.begin(), sorted.end());
  for (const double duration : sorted) {
    const int64_t nanos = std::llround(duration / kSecondsPerNano);
    if (distribution.values_.empty() || distribution.values_.back().first != nanos) {
      distribution.values_.emplace_back(nanos, 0);
    }
    ++distribution.values_.back().second;
    distribution.sum_ += duration;
  }
  distribution.count_ = sorted.size();
  if (!sorted.empty()) {
    distribution.min_ = sorted.front();
    distribution.max_ = sorted.back();
  }
  return distribution;
}

absl::Status Distribution::Add(const Distribution& other) {
  if (other.count_ == 0) return absl::OkStatus();
  if (count_ == 0) {
    *this = other;
    return absl::OkStatus();
  }
  if (significant_digits_ != other.significant_digits_ || lowest_ != other.lowest_ ||
      unit_ != other.unit_) {
    return absl::InvalidArgumentError(
        absl::StrCat("histograms with ", significant_digits_, " digits from ", lowest_, " ", unit_,
                     " and with ", other.significant_digits_, " digits from ", other.lowest_, " ",
                     other.unit_, " cannot be added up"));
  }
  if (other.count_ > std::numeric_limits<uint64_t>::max() / 4 - count_) {
    return absl::InvalidArgumentError("histograms hold more than can be counted");
  }
  values_ = Sum(values_, other.values_);
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  highest_ = std::max(highest_, other.highest_);
  return absl::OkStatus();
}

double Distribution::mean() const {
  return count_ == 0 ? kUnknown : sum_ / static_cast<double>(count_);
}
double Distribution::min() const { return count_ == 0 ? kUnknown : min_; }
double Distribution::max() const { return count_ == 0 ? kUnknown : max_; }

double Distribution::ValueAtRank(uint64_t rank) const {
  uint64_t seen = 0;
  for (const auto& [value, count] : values_) {
    seen += count;
    if (seen >= rank) return std::min(static_cast<double>(value) * kSecondsPerNano, max_);
  }
  return max_;
}

std::optional<double> Distribution::Percentile(double quantile) const {
  if (count_ == 0) return std::nullopt;
  const uint64_t rank = RankOf(quantile, count_);
  if (count_ - rank < kLeastAbove) return std::nullopt;
  return ValueAtRank(rank);
}

std::optional<Distribution::Interval> Distribution::PercentileInterval(double quantile) const {
  return PercentileInterval(quantile, [](int64_t) { return kZ; });
}

std::optional<Distribution::Interval> Distribution::PercentileInterval(double quantile,
                                                                       const Reach& reach) const {
  if (!Percentile(quantile).has_value()) return std::nullopt;
  const auto n = static_cast<double>(count_);
  const double deviation = std::sqrt(n * quantile * (1 - quantile));
  // The entry that holds the percentile, and how many durations there are up to it.
  size_t at = 0;
  uint64_t up_to = values_[0].second;
  while (up_to < RankOf(quantile, count_)) up_to += values_[++at].second;
  if (!reach(values_[at].first).has_value()) return std::nullopt;
  size_t low = at;
  for (uint64_t below = up_to - values_[at].second; low > 0; below -= values_[--low].second) {
    const std::optional<double> deviations = reach(values_[low - 1].first);
    if (!deviations.has_value()) return std::nullopt;
    if (static_cast<double>(below) < std::floor(n * quantile - *deviations * deviation)) break;
  }
  size_t high = at;
  for (; high + 1 < values_.size(); up_to += values_[++high].second) {
    const std::optional<double> deviations = reach(values_[high + 1].first);
    if (!deviations.has_value()) return std::nullopt;
    if (static_cast<double>(up_to) >= std::ceil(n * quantile + *deviations * deviation)) break;
  }
  // Where chance allows for a rank that there is not, the percentile may be any duration beyond.
  if (low == 0 && std::floor(n * quantile - *reach(values_.front().first) * deviation) < 1) {
    return std::nullopt;
  }
  if (high + 1 == values_.size() &&
      std::ceil(n * quantile + *reach(values_.back().first) * deviation) > n) {
    return std::nullopt;
  }
  const auto seconds = [this](size_t entry) {
    return std::min(static_cast<double>(values_[entry].first) * kSecondsPerNano, max_);
  };
  return Interval{seconds(low), seconds(high)};
}

Json Distribution::ToJson(const HistogramEncoder& encoder) const {
  Json percentiles = Json::object();
  Json intervals = Json::object();
  for (const NamedQuantile& named : kFileQuantiles) {
    percentiles[named.name] = NumberOrNull(Percentile(named.quantile).value_or(kUnknown));
    const std::optional<Interval> interval = PercentileInterval(named.quantile);
    intervals[named.name] =
        interval.has_value() ? Json::array({interval->low, interval->high}) : Json(nullptr);
  }
  Json sparse = Json::array();
  for (const auto& [value, count] : values_) sparse.push_back(Json::array({value, count}));
  return {{"count", count_},
          {"mean", NumberOrNull(mean())},
          {"min", NumberOrNull(min())},
          {"max", NumberOrNull(max())},
          {"percentiles", std::move(percentiles)},
          {"intervals95", std::move(intervals)},
          {"histogram",
           {{"significant_digits", significant_digits_},
            {"unit", unit_},
            {"lowest", lowest_},
            {"highest", highest_},
            {"encoded", encoder ? encoder(values_) : std::string()},
            {"sparse", std::move(sparse)}}}};
}

}  // namespace quorate::loadgen
