#include "loadgen/find_max_command.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "loadgen/latency_histogram.h"
#include "loadgen/measure.h"
#include "loadgen/percentile_interval.h"
#include "loadgen/run_command.h"

namespace quorate::loadgen {
namespace {

const char* NameOf(const CapacityStep& step) {
  switch (step.phase) {
    case CapacityPhase::kRamp:
      return step.again ? "ramp, again" : "ramp";
    case CapacityPhase::kBisect:
      return step.again ? "bisect, again" : "bisect";
    case CapacityPhase::kConfirm:
      return "confirm";
  }
  return "";
}

CapacityMeasurement Summarize(const Measurement& run) {
  const RunStats& stats = run.stats();
  CapacityMeasurement measured;
  measured.operations = stats.scheduled;
  measured.errors = stats.reads.failed + stats.writes.failed + stats.writes.unknown;
  // What the servers were through with, or had been sent, when the time was over: a backlog that is
  // worked off afterwards must not count.
  const uint64_t kept_up = stats.ended_in_window + stats.in_flight_at_end;
  measured.ended_ok = std::min(stats.reads.ok + stats.writes.ok,
                               kept_up > measured.errors ? kept_up - measured.errors : 0);
  measured.reads = run.recorder().staleness().reads;
  measured.stale = run.recorder().staleness().stale;
  LatencyHistogram response = stats.reads.response;
  response.Merge(stats.writes.response);
  if (const auto p99 = EstimatePercentile(response, 0.99)) measured.p99 = p99->value;
  // Where operations waited for the servers, the rate was too high for them and not for the
  // generator; where the generator itself was late, the figures say nothing about the servers.
  measured.generator_healthy = run.verdict().judgement != Judgement::kVoid || stats.waited > 0;
  return measured;
}

std::string Row(const CapacityStep& step, const Options& options,
                const CapacityMeasurement& measured, const CapacityVerdict& verdict) {
  std::string p99 = "-";
  if (measured.p99.has_value()) {
    p99 = absl::StrFormat("%.3f", static_cast<double>(*measured.p99) / 1e6);
  }
  std::string stale = "-";
  if (measured.reads > 0) {
    stale = absl::StrFormat(
        "%.3f", 100.0 * static_cast<double>(measured.stale) / static_cast<double>(measured.reads));
  }
  return absl::StrFormat("  %-14s %10d %8d %10s %9s  %s\n", NameOf(step), options.qps,
                         options.duration_seconds, p99, stale,
                         verdict.passed ? "ok" : absl::StrJoin(verdict.reasons, "; "));
}

}  // namespace

int FindMaxCommand(const Options& options, const CapacityGoals& goals) {
  absl::StatusOr<Targets> targets = ConnectToTargets(options);
  if (!targets.ok()) {
    std::fprintf(stderr, "loadgen: %s\n", std::string(targets.status().message()).c_str());
    return kNothingMeasured;
  }
  CapacityOptions search_options;
  search_options.first_rate = options.qps;
  search_options.least_rate = LeastTellingRate(goals, options.duration_seconds);
  std::printf("  goals: %s\n", goals.ToString().c_str());
  if (goals.p99.has_value()) {
    std::printf("  %.0f op/s at least: fewer tell no p99 in %d s; a longer --duration goes lower\n",
                search_options.least_rate, options.duration_seconds);
  }
  std::printf("  %-14s %10s %8s %10s %9s  %s\n", "step", "op/s", "seconds", "p99, ms", "stale, %",
              "outcome");
  CapacitySearch search(search_options);
  while (const std::optional<CapacityStep> step = search.Next()) {
    Options once = options;
    once.followed_writes = 0;
    once.qps = static_cast<int>(std::lround(step->rate));
    once.duration_seconds = options.duration_seconds * step->windows;
    Measurement run(once, &*targets, static_cast<uint64_t>(absl::ToUnixMicros(absl::Now())));
    run.Run([](const IntervalStats&) {});
    if (run.interrupted()) {
      std::printf("\n  interrupted; so far: %s\n", search.result().ToString().c_str());
      return kInterrupted;
    }
    const CapacityMeasurement measured = Summarize(run);
    const CapacityVerdict verdict = Judge(goals, measured);
    std::fputs(Row(*step, once, measured, verdict).c_str(), stdout);
    std::fflush(stdout);
    search.Report(verdict);
  }
  std::printf("\n  %s\n", search.result().ToString().c_str());
  return search.result().confirmed_rate.has_value() ? 0 : kNothingMeasured;
}

}  // namespace quorate::loadgen
