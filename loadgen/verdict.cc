#include "loadgen/verdict.h"

#include <string>
#include <utility>

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

// The p99 of the send lag as a share of that of response times.
double LagShare(const RunStats& stats, const LatencyHistogram& response) {
  const int64_t response_p99 = response.ValueAtQuantile(0.99);
  if (response_p99 == 0) return 0;
  return static_cast<double>(stats.send_lag.ValueAtQuantile(0.99)) /
         static_cast<double>(response_p99);
}

double LagShareOfAll(const RunStats& stats) {
  LatencyHistogram all = stats.reads.response;
  all.Merge(stats.writes.response);
  return LagShare(stats, all);
}

std::string LagReason(double share, const std::string& of) {
  return absl::StrFormat(
      "the p99 of the generator's send lag is %.0f %% of that of the response time%s", 100 * share,
      of);
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
  const double lag_share = LagShareOfAll(stats);
  if (lag_share > kVoidLagShare) reasons->push_back(LagReason(lag_share, ""));
}

void SharedReasons(const RunStats& stats, const Place& place, std::vector<std::string>* reasons) {
  if (place.servers_on_this_machine) {
    reasons->push_back(absl::StrCat("generator and servers share one machine of ", place.cores,
                                    place.cores == 1 ? " core" : " cores"));
  }
  const double of_all = LagShareOfAll(stats);
  if (of_all > kVoidLagShare) return;
  if (of_all > kSharedLagShare) reasons->push_back(LagReason(of_all, ""));
  // Slow operations of one kind do not hide what the lag does to the other.
  for (const auto& [name, kind] : {std::make_pair(" of reads", &stats.reads.response),
                                   {" of writes", &stats.writes.response}}) {
    const double share = LagShare(stats, *kind);
    // tools/plots/results.py looks for these words.
    if (kind->count() >= kOperationsForP99 && share > kVoidLagShare) {
      reasons->push_back(LagReason(share, absl::StrCat(name, ": use no latency of these")));
    }
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
