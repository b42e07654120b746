#include "loadgen/verdict.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace quorate::loadgen {
namespace {

constexpr double kMissedShareMax = 0.001;
constexpr double kAchievedShareMin = 0.99;
constexpr double kVoidLagShare = 0.5;
constexpr double kSharedLagShare = 0.05;

// Fewer operations of a kind tell no p99.
constexpr uint64_t kOperationsForP99 = 1000;

// The p99 of the send lag as a share of that of the response times: of the kind of operation that
// is answered sooner, since its figures suffer first.
double LagShare(const RunStats& stats) {
  LatencyHistogram all = stats.reads.response;
  all.Merge(stats.writes.response);
  int64_t response_p99 = all.ValueAtQuantile(0.99);
  for (const LatencyHistogram* kind : {&stats.reads.response, &stats.writes.response}) {
    if (kind->count() < kOperationsForP99) continue;
    response_p99 = std::min<int64_t>(response_p99, kind->ValueAtQuantile(0.99));
  }
  if (response_p99 == 0) return 0;
  return static_cast<double>(stats.send_lag.ValueAtQuantile(0.99)) /
         static_cast<double>(response_p99);
}

void VoidReasons(const RunStats& stats, std::vector<std::string>* reasons) {
  const double scheduled = static_cast<double>(stats.scheduled);
  if (stats.scheduled == 0) reasons->push_back("nothing was measured");
  if (static_cast<double>(stats.missed) > kMissedShareMax * scheduled) {
    reasons->push_back(absl::StrCat(stats.missed, " operations were missed"));
  }
  // Nothing was in flight when the window began, and what is when it ends was sent in time. One
  // operation more or less at each end of a short run says nothing. A closed loop offers no more
  // than what ends.
  const auto achieved = static_cast<double>(stats.ended_in_window + stats.in_flight_at_end);
  if (stats.closed_loop == 0 && achieved + 2 < kAchievedShareMin * scheduled) {
    reasons->push_back(absl::StrFormat("only %.1f %% of the offered operations were sent in time",
                                       100.0 * achieved / scheduled));
  }
  const double lag_share = LagShare(stats);
  if (lag_share > kVoidLagShare) {
    reasons->push_back(absl::StrFormat(
        "the p99 of the generator's send lag is %.0f %% of that of the response time",
        100 * lag_share));
  }
}

void SharedReasons(const RunStats& stats, const Place& place, std::vector<std::string>* reasons) {
  if (place.servers_on_this_machine) {
    reasons->push_back(absl::StrCat("generator and servers share one machine of ", place.cores,
                                    place.cores == 1 ? " core" : " cores"));
  }
  const double lag_share = LagShare(stats);
  if (lag_share > kSharedLagShare && lag_share <= kVoidLagShare) {
    reasons->push_back(absl::StrFormat(
        "the p99 of the generator's send lag is %.0f %% of that of the response time",
        100 * lag_share));
  }
}

}  // namespace

Verdict Judge(const RunStats& stats, const Place& place) {
  Verdict verdict;
  VoidReasons(stats, &verdict.reasons);
  if (!verdict.reasons.empty()) verdict.judgement = Judgement::kVoid;
  SharedReasons(stats, place, &verdict.reasons);
  if (verdict.judgement == Judgement::kValid && !verdict.reasons.empty()) {
    verdict.judgement = Judgement::kShared;
  }
  return verdict;
}

std::string ToString(Judgement judgement) {
  switch (judgement) {
    case Judgement::kValid:
      return "valid";
    case Judgement::kShared:
      return "shared";
    case Judgement::kVoid:
      return "void";
  }
  return "";
}

}  // namespace quorate::loadgen
