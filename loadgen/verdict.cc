#include "loadgen/verdict.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/match.h"
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

// How a reason ends that forbids the latencies of one kind. tools/plots/results.py looks for these
// words.
std::string Forbidding(absl::string_view kind) {
  return absl::StrCat(" of ", kind, "s: use no latency of these");
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
  for (const auto& [kind, response] :
       {std::make_pair("read", &stats.reads.response), {"write", &stats.writes.response}}) {
    const double share = LagShare(stats, *response);
    if (response->count() >= kOperationsForP99 && share > kVoidLagShare) {
      reasons->push_back(LagReason(share, Forbidding(kind)));
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

bool ForbidLatenciesOf(absl::string_view kind, const std::vector<std::string>& reasons) {
  return std::any_of(reasons.begin(), reasons.end(), [&](const std::string& reason) {
    return absl::EndsWith(reason, Forbidding(kind));
  });
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
