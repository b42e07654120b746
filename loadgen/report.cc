#include "loadgen/report.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace quorate::loadgen {
namespace {

// Fewer would make a percentile a matter of luck.
constexpr double kSamplesAbovePercentile = 10;

double ToMs(double nanos) { return nanos / 1e6; }

std::string MsCell(double nanos) { return absl::StrFormat("%9.3f", ToMs(nanos)); }

std::string PercentileCell(const LatencyHistogram& histogram, double quantile) {
  const double above = static_cast<double>(histogram.count()) * (1 - quantile);
  // A thousand samples have ten above their p99, whatever the rounding.
  if (above < kSamplesAbovePercentile - 1e-6) return absl::StrFormat("%9s", "-");
  return MsCell(static_cast<double>(histogram.ValueAtQuantile(quantile)));
}

std::string LatencyRow(const char* operation, const char* what, const LatencyHistogram& histogram) {
  std::string row = absl::StrFormat("  %-6s %-9s %9d ", operation, what, histogram.count());
  if (histogram.count() == 0) return absl::StrCat(row, "        -\n");
  absl::StrAppend(&row, MsCell(histogram.mean()));
  for (const double quantile : {0.5, 0.95, 0.99}) {
    absl::StrAppend(&row, PercentileCell(histogram, quantile));
  }
  absl::StrAppend(&row, MsCell(static_cast<double>(histogram.max())), "\n");
  return row;
}

std::string LatencyTable(const RunStats& stats) {
  std::string table = absl::StrFormat("  %-16s %9s %9s%9s%9s%9s%9s\n", "Latency, ms", "count",
                                      "mean", "p50", "p95", "p99", "max");
  absl::StrAppend(&table, LatencyRow("read", "response", stats.reads.response),
                  LatencyRow("", "service", stats.reads.service),
                  LatencyRow("write", "response", stats.writes.response),
                  LatencyRow("", "service", stats.writes.service));
  if (stats.read_modify_writes.count() > 0) {
    absl::StrAppend(&table, LatencyRow("pair", "response", stats.read_modify_writes));
  }
  absl::StrAppend(&table, LatencyRow("all", "send lag", stats.send_lag));
  absl::StrAppend(
      &table,
      "  Response counts from when an operation was due, service from when it was sent.\n"
      "  A percentile that fewer than ten operations lie above is not shown (-).\n");
  if (stats.read_modify_writes.count() > 0) {
    absl::StrAppend(&table, "  A pair is a read and the write that followed from it, as one.\n");
  }
  return table;
}

std::string OutcomeTable(const RunStats& stats) {
  std::string table =
      absl::StrFormat("  %-16s %9s %9s %9s\n", "Outcomes", "ok", "failed", "unknown");
  absl::StrAppendFormat(&table, "  %-16s %9d %9d %9s\n", "read", stats.reads.ok, stats.reads.failed,
                        "-");
  absl::StrAppendFormat(&table, "  %-16s %9d %9d %9d\n", "write", stats.writes.ok,
                        stats.writes.failed, stats.writes.unknown);
  absl::StrAppendFormat(&table, "  %-16s %9d  never sent, of %d scheduled\n", "missed",
                        stats.missed, stats.scheduled);
  if (stats.waited > 0) {
    absl::StrAppendFormat(&table, "  %-16s %9d  found all connections busy\n", "waited",
                          stats.waited);
  }
  if (stats.absent_reads > 0) {
    absl::StrAppendFormat(&table, "  %-16s %9d  reads found no value\n", "absent",
                          stats.absent_reads);
  }
  if (stats.wrong_values > 0) {
    absl::StrAppendFormat(&table,
                          "  %-16s %9d  reads found a value of another key, or a damaged one\n",
                          "WRONG VALUES", stats.wrong_values);
  }
  for (const auto& [message, count] : stats.failures) {
    absl::StrAppendFormat(&table, "  %16s %9d  %s\n", "", count, message);
  }
  return table;
}

// A number that a node gave, or a question mark.
std::string Known(int number) { return number > 0 ? absl::StrCat(number) : "?"; }

std::string Routing(const Options& options) {
  const bool leader = options.mode == Mode::kLeader;
  if (options.read_target == ReadTarget::kCoordinator) {
    return leader ? "all to the first" : "writes and reads to any";
  }
  return absl::StrCat(leader ? "writes to the first, " : "writes and ",
                      options.read_target == ReadTarget::kLocal ? "local " : "", "reads to any");
}

std::string Rate(const Options& options) {
  const std::string times = absl::StrCat("for ", options.duration_seconds, " s after ",
                                         options.warmup_seconds, " s of warm-up");
  if (options.closed_loop == 0) return absl::StrCat(options.qps, " op/s offered ", times);
  return absl::StrCat("closed loop of ", options.closed_loop, " ", times,
                      " (it sees too few slow operations)");
}

std::string MixOf(const Options& options) {
  return options.mix.has_value()
             ? absl::StrCat("mix ", options.mix->name, " (", options.mix->use, "), ")
             : "";
}

// How much of a run is over.
std::string Bar(Nanos now, Nanos end) {
  constexpr int kWidth = 8;
  const double part = end <= 0 ? 1 : static_cast<double>(now) / static_cast<double>(end);
  const int done = static_cast<int>(kWidth * std::min(std::max(part, 0.0), 1.0));
  return absl::StrCat("[", std::string(static_cast<size_t>(done), '#'),
                      std::string(static_cast<size_t>(kWidth - done), '-'), "]");
}

}  // namespace

std::string FormatHeader(const Options& options, const RestHealth& first_target) {
  const std::string strategy =
      first_target.strategy.empty() ? "cluster of unknown strategy" : first_target.strategy;
  const int w = options.w.value_or(first_target.w);
  const int r = options.r.value_or(first_target.r);
  const bool local = options.read_target == ReadTarget::kLocal;
  const std::string promise = GoThroughOwnQuorums(options) && !first_target.guarantee.empty()
                                  ? absl::StrCat("  promised: ", first_target.guarantee, "\n")
                                  : "";
  return absl::StrFormat(
      "  %s, N=%s W=%s R=%s%s\n%s"
      "  %d targets, the first %s, over %s: %s\n"
      "  %s, %swrites %.4g %% / reads %.4g %%\n"
      "  %d %s, values of %d bytes, seed %d\n",
      strategy, Known(first_target.n), Known(w), local ? "-" : Known(r),
      local ? ", local reads" : "", promise, options.targets.size(),
      options.targets.front().ToString(), ToString(options.transport), Routing(options),
      Rate(options), MixOf(options), 100 * options.write_ratio, 100 - 100 * options.write_ratio,
      options.num_keys,
      options.num_keys == 1 ? "key"
                            : absl::StrCat("keys, chosen by ", ToText(options.distribution)),
      options.value_bytes, options.seed);
}

std::string FormatLiveLine(const IntervalStats& interval, Nanos run_end) {
  const double seconds =
      static_cast<double>(std::max<Nanos>(interval.to - interval.from, 1)) / kNanosPerSecond;
  const Nanos left = std::max<Nanos>(run_end - interval.to, 0);
  std::string when = absl::StrCat((left + kNanosPerSecond / 2) / kNanosPerSecond, " s left");
  // The first measured second begins before it.
  if (interval.warm_up) when = ToString(std::min(interval.phase, Phase::kWarmUp));
  if (interval.phase > Phase::kMeasure) when = ToString(interval.phase);
  return absl::StrFormat(
      "%s %8s %.0f/%.0f op/s p50 %.2f p99 %.2f ms stale %d in flight %d errors %d",
      Bar(interval.to, run_end), when, static_cast<double>(interval.ended) / seconds,
      static_cast<double>(interval.offered) / seconds,
      ToMs(static_cast<double>(interval.response.ValueAtQuantile(0.5))),
      ToMs(static_cast<double>(interval.response.ValueAtQuantile(0.99))), interval.stale,
      interval.in_flight, interval.failed + interval.unknown);
}

std::string FormatJsonLine(const IntervalStats& interval) {
  const auto seconds = [](Nanos nanos) {
    return absl::StrFormat("%.9f", static_cast<double>(nanos) / kNanosPerSecond);
  };
  // As in the series of a result file; times are known where something has succeeded.
  const auto quantile = [&interval, &seconds](double share) {
    return interval.response.count() == 0 ? "null"
                                          : seconds(interval.response.ValueAtQuantile(share));
  };
  return absl::StrFormat(
      R"({"start":%s,"seconds":%s,"phase":"%s","offered":%d,"ended":%d,"reads_ok":%d,)"
      R"("writes_ok":%d,"failed":%d,"unknown":%d,"missed":%d,"stale":%d,"in_flight":%d,)"
      R"("p50":%s,"p99":%s,"max":%s})",
      seconds(interval.from), seconds(interval.to - interval.from), ToString(interval.phase),
      interval.offered, interval.ended, interval.reads_ok, interval.writes_ok, interval.failed,
      interval.unknown, interval.missed, interval.stale, interval.in_flight, quantile(0.5),
      quantile(0.99), quantile(1));
}

std::string FormatReport(const RunStats& stats, const Verdict& verdict) {
  std::string report = absl::StrCat(LatencyTable(stats), "\n", OutcomeTable(stats), "\n");
  absl::StrAppend(&report, "  Verdict: ", ToString(verdict.judgement), "\n");
  for (const std::string& reason : verdict.reasons) {
    absl::StrAppend(&report, "    - ", reason, "\n");
  }
  if (verdict.judgement == Judgement::kVoid) {
    absl::StrAppend(&report, "  Do not use these latencies; the count of stale reads holds.\n");
  }
  return report;
}

}  // namespace quorate::loadgen
