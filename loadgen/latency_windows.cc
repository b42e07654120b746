#include "loadgen/latency_windows.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "loadgen/significance.h"

namespace quorate::loadgen {
namespace {

// Twice as many as result files have, so that there may be finer ones.
constexpr size_t kEdgesMax = 1024;

}  // namespace

absl::StatusOr<LatencyWindows> LatencyWindows::FromJson(const Json& windows,
                                                        const std::string& name) {
  const auto damaged = [&name](const char* why) {
    return absl::InvalidArgumentError(absl::StrCat("'windows' is damaged: its ", name, " ", why));
  };
  LatencyWindows result;
  std::set<int64_t> edges;
  for (const Json& window : windows) {
    const Json* const list = Find(window, name);
    if (list == nullptr || !list->is_array()) return damaged("is no list");
    std::vector<Bucket> buckets;
    for (const Json& entry : *list) {
      if (!entry.is_array() || entry.size() != 2 || !entry[0].is_number_unsigned() ||
          !entry[1].is_number_unsigned()) {
        return damaged("holds something that is no value with a count");
      }
      const uint64_t value = entry[0].get<uint64_t>();
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) ||
          (!buckets.empty() && static_cast<int64_t>(value) <= buckets.back().first)) {
        return damaged("is not in order, or a number in it is too large");
      }
      buckets.emplace_back(static_cast<int64_t>(value),
                           static_cast<double>(entry[1].get<uint64_t>()));
      edges.insert(buckets.back().first);
      if (edges.size() > kEdgesMax) return damaged("has more buckets than a result file can have");
    }
    for (size_t i = buckets.size(); i > 1; --i) buckets[i - 2].second += buckets[i - 1].second;
    result.windows_.push_back(std::move(buckets));
    result.count_ += result.CountIn(result.windows_.size() - 1);
  }
  result.edges_.assign(edges.begin(), edges.end());
  return result;
}

double LatencyWindows::CountIn(size_t window) const {
  return windows_[window].empty() ? 0 : windows_[window].front().second;
}

std::optional<DesignEffect> LatencyWindows::EffectAtLeast(int64_t nanos) const {
  std::vector<WindowCount> counts;
  for (size_t i = 0; i < windows_.size(); ++i) {
    const auto bucket =
        std::lower_bound(windows_[i].begin(), windows_[i].end(), nanos,
                         [](const Bucket& other, int64_t least) { return other.first < least; });
    counts.push_back({CountIn(i), bucket == windows_[i].end() ? 0 : bucket->second});
  }
  return EstimateDesignEffect(counts);
}

PercentileReach::PercentileReach(const LatencyWindows& own, const LatencyWindows& other)
    : own_(own), other_(other) {
  std::set_union(own.edges().begin(), own.edges().end(), other.edges().begin(), other.edges().end(),
                 std::back_inserter(edges_));
}

std::optional<double> PercentileReach::At(int64_t nanos) {
  const auto above = std::upper_bound(edges_.begin(), edges_.end(), nanos);
  const auto below = static_cast<size_t>(above - edges_.begin());
  const auto known = known_.find(below);
  if (known != known_.end()) return known->second;
  std::optional<double> reach = below > 0 ? AtEdge(edges_[below - 1]) : AtEdge(nanos);
  if (reach.has_value() && above != edges_.end()) {
    const std::optional<double> upper = AtEdge(*above);
    reach = upper.has_value() ? std::optional<double>(std::max(*reach, *upper)) : std::nullopt;
  }
  known_[below] = reach;
  return reach;
}

std::optional<double> PercentileReach::AtEdge(int64_t edge) const {
  const std::optional<DesignEffect> own = own_.EffectAtLeast(edge);
  const std::optional<DesignEffect> other = other_.EffectAtLeast(edge);
  if (!own.has_value() || !other.has_value()) return std::nullopt;
  const std::optional<Spread> spread = SpreadOf(*own, *other);
  if (!spread.has_value()) return std::nullopt;
  return spread->deviations * std::sqrt(spread->effect);
}

}  // namespace quorate::loadgen
