#include "loadgen/summary.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "loadgen/percentile_interval.h"

namespace quorate::loadgen {
namespace {

constexpr size_t kExamples = 5;

double ToMs(double nanos) { return nanos / 1e6; }

std::string Ms(double nanos) { return absl::StrFormat("%.2fms", ToMs(nanos)); }

std::string Percentile(const LatencyHistogram& histogram, double quantile) {
  const auto estimate = EstimatePercentile(histogram, quantile);
  return estimate.has_value() ? Ms(static_cast<double>(estimate->value)) : "-";
}

// What all lists of durations tell.
std::string Durations(const char* what, const LatencyHistogram& histogram) {
  if (histogram.count() == 0) return "";
  return absl::StrCat("  Average ", what, ": ", Ms(histogram.mean()), "\n", "  Median ", what, ": ",
                      Percentile(histogram, 0.5), "\n", "  P95 ", what, ": ",
                      Percentile(histogram, 0.95), "\n", "  P99 ", what, ": ",
                      Percentile(histogram, 0.99), "\n", "  Max ", what, ": ",
                      Ms(static_cast<double>(histogram.max())), "\n");
}

double Percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string StaleReads(const RunRecorder& recorder, const Workload& workload) {
  const StalenessFigures& figures = recorder.staleness();
  if (figures.reads == 0) return "Stale Reads: no read was answered\n";
  const Interval interval = figures.StaleShare();
  std::string text = absl::StrFormat(
      "Stale Reads: %d (%.2f%%)\n  95%% interval: %.2f%% to %.2f%%\n", figures.stale,
      Percent(figures.stale, figures.reads), 100 * interval.low, 100 * interval.high);
  if (figures.stale > 0) {
    absl::StrAppend(&text, "  Outdated for at least: median ", Percentile(figures.t, 0.5), ", P99 ",
                    Percentile(figures.t, 0.99), ", max ", Ms(static_cast<double>(figures.t.max())),
                    "\n");
  }
  absl::StrAppendFormat(
      &text,
      "  Counted loosely: %d (%.2f%%), against what had been acknowledged when the "
      "answer came,\n  so that a write that ran beside the read counts\n",
      figures.loosely_stale, Percent(figures.loosely_stale, figures.reads));
  for (size_t i = 0; i < figures.examples.size() && i < kExamples; ++i) {
    const StaleReadExample& read = figures.examples[i];
    absl::StrAppendFormat(&text, "  Example: %s: expected version %d, got %d, %s after the write\n",
                          workload.KeyName(read.key), read.expected_version, read.actual_version,
                          Ms(static_cast<double>(read.since_write)));
  }
  return text;
}

// What should not happen with most settings, where it has happened.
std::string Anomalies(const RunRecorder& recorder) {
  const StalenessFigures& figures = recorder.staleness();
  std::string text;
  const auto add = [&text](uint64_t count, const char* what) {
    if (count > 0) absl::StrAppendFormat(&text, "  %s: %d\n", what, count);
  };
  add(figures.inversions, "Older than what a finished read had returned");
  add(figures.monotonic_read_violations, "Older than what the session had read");
  add(figures.read_your_writes_violations, "Older than what the session had written");
  add(recorder.of_another_key(), "VALUES OF ANOTHER KEY");
  add(recorder.corrupt(), "DAMAGED VALUES");
  return text.empty() ? "" : absl::StrCat("Other Anomalies of Reads:\n", text, "\n");
}

}  // namespace

std::string FormatSummary(const RunStats& stats, const RunRecorder& recorder,
                          const Workload& workload) {
  const StalenessFigures& figures = recorder.staleness();
  LatencyHistogram gaps = figures.write_read;
  gaps.Merge(figures.read_write);
  return absl::StrCat(absl::StrFormat("Write Operations (%d total):\n", stats.writes.ok),
                      Durations("latency", stats.writes.response), "\n",
                      absl::StrFormat("Read Operations (%d total):\n", stats.reads.ok),
                      Durations("latency", stats.reads.response), "\n",
                      StaleReads(recorder, workload), "\n", Anomalies(recorder),
                      absl::StrFormat("Read-Write Intervals (%d total):\n", gaps.count()),
                      Durations("interval", gaps));
}

}  // namespace quorate::loadgen
