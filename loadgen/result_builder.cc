#include "loadgen/result_builder.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

#include "loadgen/histogram_encoding.h"
#include "loadgen/load_setup.h"
#include "loadgen/percentile_interval.h"
#include "loadgen/window_recorder.h"

namespace quorate::loadgen {
namespace {

// Also the names that the result file has for them.
constexpr std::pair<const char*, double> kPercentiles[] = {
    {"50", 0.5}, {"90", 0.9}, {"95", 0.95}, {"99", 0.99}, {"99.9", 0.999}, {"99.99", 0.9999}};

double ToSeconds(double nanos) { return nanos / kNanosPerSecond; }
double ToSeconds(Nanos nanos) { return ToSeconds(static_cast<double>(nanos)); }

std::vector<double> ToSeconds(const Reservoir<Nanos>& sample) {
  std::vector<double> seconds;
  for (const Nanos nanos : sample.InOrder()) seconds.push_back(ToSeconds(nanos));
  return seconds;
}

template <typename T>
uint64_t Cut(const Reservoir<T>& sample) {
  return sample.seen() - sample.size();
}

double MeanSeconds(const LatencyHistogram& histogram) {
  return histogram.count() == 0 ? kUnknownNumber : ToSeconds(histogram.mean());
}

std::optional<int> Known(int number) {
  return number > 0 ? std::optional<int>(number) : std::nullopt;
}

void FillDocumented(const FinishedRun& run, ResultFile* result) {
  const RunRecorder& recorder = run.recorder;
  result->mode = ToString(run.options.mode);
  result->write_latencies = ToSeconds(recorder.write_latencies());
  result->read_latencies = ToSeconds(recorder.read_latencies());
  for (const StaleReadExample& read : recorder.stale_reads().InOrder()) {
    result->stale_reads.push_back({run.workload.KeyName(read.key), read.expected_version,
                                   read.actual_version, ToSeconds(read.since_write)});
  }
  result->read_write_intervals = ToSeconds(recorder.read_write_intervals());
  result->total_writes = run.stats.writes.ok;
  result->total_reads = run.stats.reads.ok;
  result->total_stale_reads = recorder.staleness().stale;
  result->write_avg_latency = MeanSeconds(run.stats.writes.response);
  result->read_avg_latency = MeanSeconds(run.stats.reads.response);
  result->raw_samples.limit = recorder.read_latencies().limit();
  result->raw_samples.write_latencies_cut = Cut(recorder.write_latencies());
  result->raw_samples.read_latencies_cut = Cut(recorder.read_latencies());
  result->raw_samples.stale_reads_cut = Cut(recorder.stale_reads());
  result->raw_samples.read_write_intervals_cut = Cut(recorder.read_write_intervals());
}

RunResult::Workload DescribeWorkload(const FinishedRun& run) {
  const Options& options = run.options;
  const KeyChooser chooser = MakeKeyChooser(options);
  RunResult::Workload workload;
  workload.write_ratio = options.write_ratio;
  workload.qps = options.closed_loop > 0 ? kUnknownNumber : options.qps;
  if (options.mix.has_value()) workload.mix = absl::AsciiStrToUpper(options.mix->name);
  workload.num_keys = static_cast<uint64_t>(options.num_keys);
  workload.distribution = ToText(options.distribution);
  const bool zipf = options.distribution.kind == KeyDistributionKind::kZipf;
  workload.zipf_exponent = zipf ? options.distribution.exponent : kUnknownNumber;
  workload.value_bytes = static_cast<uint64_t>(options.value_bytes);
  workload.transport = ToString(options.transport);
  for (const HostAndPort& target : options.targets) workload.targets.push_back(target.ToString());
  workload.read_target = ToString(options.read_target);
  workload.loop = options.closed_loop > 0 ? "closed" : "open";
  workload.spacing = ToString(options.spacing);
  workload.in_flight = options.closed_loop > 0
                           ? static_cast<uint64_t>(options.closed_loop)
                           : static_cast<uint64_t>(options.connections) * options.targets.size();
  // With every insert another key is the most popular one.
  if (options.mix.has_value() && options.mix->insert > 0) return workload;
  workload.top_key_share = chooser.TopShare();
  if (run.stats.window > 0) {
    workload.hottest_key_writes_per_second =
        chooser.TopShare() * static_cast<double>(run.stats.writes.ok) / ToSeconds(run.stats.window);
  }
  return workload;
}

RunResult DescribeRun(const FinishedRun& run) {
  RunResult result;
  result.tool_version = run.version;
  result.command = run.command;
  result.seed = run.options.seed;
  result.started_at = run.started_at;
  result.host = run.host;
  result.cluster.strategy = run.cluster.strategy;
  result.cluster.n = Known(run.cluster.n);
  result.cluster.w = Known(run.options.w.value_or(run.cluster.w));
  result.cluster.r = Known(run.options.r.value_or(run.cluster.r));
  if (GoThroughOwnQuorums(run.options)) result.cluster.guarantee = run.cluster.guarantee;
  result.cluster.durability = run.cluster.durability;
  result.cluster.emulate = run.cluster.emulated_delays;
  result.workload = DescribeWorkload(run);
  for (const PhaseSpan& phase : run.stats.phases) {
    result.phases.push_back({ToString(phase.phase), ToSeconds(phase.start), ToSeconds(phase.end)});
  }
  return result;
}

void AddOutcomes(const char* operation, const OperationStats& stats,
                 std::vector<OperationResult>* results) {
  const auto add = [operation, results](const char* outcome, uint64_t count,
                                        const LatencyHistogram& response,
                                        const LatencyHistogram& service) {
    results->push_back(
        {operation, outcome, count, ToLatencyResult(response), ToLatencyResult(service)});
  };
  add("ok", stats.ok, stats.response, stats.service);
  add("failed", stats.failed, stats.failed_latency.response, stats.failed_latency.service);
  add("unknown", stats.unknown, stats.unknown_latency.response, stats.unknown_latency.service);
}

// A pair has no sending of its own, so its service time is not known.
void AddPairs(const LatencyHistogram& pairs, std::vector<OperationResult>* results) {
  results->push_back({"read_modify_write", "ok", pairs.count(), ToLatencyResult(pairs),
                      ToLatencyResult(LatencyHistogram())});
}

SecondResult ToSecond(const IntervalSummary& interval) {
  SecondResult second;
  second.start = ToSeconds(interval.from);
  second.seconds = ToSeconds(interval.to - interval.from);
  second.warm_up = interval.warm_up;
  second.reads_ok = interval.reads_ok;
  second.writes_ok = interval.writes_ok;
  second.failed = interval.failed;
  second.unknown = interval.unknown;
  second.stale = interval.stale;
  if (interval.reads_ok + interval.writes_ok > 0) {
    second.p50 = ToSeconds(interval.response.p50);
    second.p99 = ToSeconds(interval.response.p99);
    second.max = ToSeconds(interval.response.max);
  }
  second.in_flight = interval.in_flight;
  second.offered = interval.offered;
  return second;
}

std::vector<ResultFile::Window> DescribeWindows(const WindowRecorder& recorder) {
  std::vector<ResultFile::Window> results;
  for (const Window& window : recorder.windows()) {
    ResultFile::Window result;
    result.start =
        ToSeconds(recorder.start() + static_cast<Nanos>(results.size()) * recorder.width());
    result.seconds = ToSeconds(recorder.width());
    result.failed = window.failed;
    result.unknown = window.unknown;
    result.judged = window.judged;
    result.stale = window.stale;
    result.loosely_stale = window.loosely_stale;
    result.inversions = window.inversions;
    result.read_response = window.read_response.NonEmptyBuckets();
    result.write_response = window.write_response.NonEmptyBuckets();
    results.push_back(std::move(result));
  }
  return results;
}

StaleShare ToShare(uint64_t reads, uint64_t stale) {
  StaleShare share;
  share.reads = reads;
  share.stale = stale;
  if (reads == 0) return share;
  const Interval interval = WilsonInterval(stale, reads);
  share.rate = static_cast<double>(stale) / static_cast<double>(reads);
  share.low = interval.low;
  share.high = interval.high;
  return share;
}

StalenessResult DescribeStaleness(const RunRecorder& recorder) {
  const StalenessFigures& figures = recorder.staleness();
  StalenessResult result;
  result.strict = ToShare(figures.reads, figures.stale);
  result.loose = ToShare(figures.reads, figures.loosely_stale);
  result.difference = DescribeDifference(figures);
  for (size_t behind = 0; behind < figures.k.size(); ++behind) {
    if (figures.k[behind] > 0) result.k.emplace_back(behind, figures.k[behind]);
  }
  result.t = ToLatencyResult(figures.t);
  for (const DeltaBucket& bucket : figures.by_delta) {
    if (bucket.reads == 0) continue;
    const bool open = &bucket == &figures.by_delta.back();
    result.by_interval.push_back({ToSeconds(bucket.from),
                                  open ? kUnknownNumber : ToSeconds(bucket.to),
                                  ToShare(bucket.reads, bucket.stale)});
  }
  result.inversions = figures.inversions;
  result.monotonic_read_violations = figures.monotonic_read_violations;
  result.read_your_writes_violations = figures.read_your_writes_violations;
  result.absent = figures.absent;
  result.corrupt = recorder.corrupt() + recorder.of_another_key();
  return result;
}

// What a node has at hand now; it is no count of what has happened.
bool IsGauge(absl::string_view counter) {
  return counter == "open_operations" || absl::EndsWith(counter, "_in_flight");
}

bool HasStartedAnew(const RestHealth& before, const RestHealth& after) {
  return std::any_of(before.counters.begin(), before.counters.end(), [&after](const auto& counter) {
    const auto now = after.counters.find(counter.first);
    return !IsGauge(counter.first) && now != after.counters.end() && now->second < counter.second;
  });
}

// What the servers counted during the run; of one that was started anew, since then.
std::vector<ResultFile::Server> DescribeServers(const FinishedRun& run) {
  std::vector<ResultFile::Server> servers;
  for (size_t i = 0; i < run.health_before.size() && i < run.health_after.size(); ++i) {
    const RestHealth& before = run.health_before[i];
    const RestHealth& after = run.health_after[i];
    if (after.counters.empty()) continue;
    const bool anew = HasStartedAnew(before, after);
    ResultFile::Server server;
    server.node = after.node;
    for (const auto& [name, value] : after.counters) {
      if (IsGauge(name)) continue;
      const auto earlier = before.counters.find(name);
      const bool known = !anew && earlier != before.counters.end();
      server.counters[name] = known ? value - earlier->second : value;
    }
    servers.push_back(std::move(server));
  }
  return servers;
}

}  // namespace

LatencyResult ToLatencyResult(const LatencyHistogram& histogram) {
  LatencyResult result;
  result.count = histogram.count();
  result.histogram.significant_digits = kHistogramDigits;
  result.histogram.lowest_ns = kHistogramLowestNanos;
  result.histogram.highest_ns = HistogramHighestNanos(histogram);
  result.histogram.encoded = EncodeHistogram(histogram);
  result.histogram.buckets = ToSparse(histogram);
  if (histogram.count() > 0) {
    result.mean = ToSeconds(histogram.mean());
    result.min = ToSeconds(histogram.min());
    result.max = ToSeconds(histogram.max());
  }
  for (const auto& [percent, quantile] : kPercentiles) {
    PercentileResult percentile;
    percentile.percent = percent;
    if (const auto estimate = EstimatePercentile(histogram, quantile)) {
      percentile.value = ToSeconds(estimate->value);
      percentile.low = ToSeconds(estimate->low);
      percentile.high = ToSeconds(estimate->high);
    }
    result.percentiles.push_back(percentile);
  }
  return result;
}

ResultFile BuildResult(const FinishedRun& run) {
  ResultFile result;
  const RunStats& stats = run.stats;
  FillDocumented(run, &result);
  result.run = DescribeRun(run);
  result.totals.scheduled = stats.scheduled;
  if (stats.window > 0) {
    const double seconds = ToSeconds(stats.window);
    result.totals.offered_per_second = static_cast<double>(stats.scheduled) / seconds;
    result.totals.achieved_per_second = static_cast<double>(stats.ok_in_window) / seconds;
  }
  result.totals.missed = stats.missed;
  result.totals.waited = stats.waited;
  AddOutcomes("read", stats.reads, &result.operations);
  AddOutcomes("write", stats.writes, &result.operations);
  if (run.options.mix.has_value() && run.options.mix->read_modify_write > 0) {
    AddPairs(stats.read_modify_writes, &result.operations);
  }
  result.send_lag = ToLatencyResult(stats.send_lag);
  // What happened after the window is no rate of the load's, nor is an interval of which more than
  // a little lies there.
  const Nanos window_end = stats.window_start + stats.window;
  for (const IntervalSummary& interval : run.series) {
    const Nanos after = interval.to - window_end;
    if (stats.window > 0 && IsMoreThanALittle(after, interval.to - interval.from)) continue;
    result.series.push_back(ToSecond(interval));
  }
  result.windows = DescribeWindows(run.recorder.windows());
  result.staleness = DescribeStaleness(run.recorder);
  const StalenessFigures& figures = run.recorder.staleness();
  result.intervals.write_read = ToLatencyResult(figures.write_read);
  result.intervals.read_write = ToLatencyResult(figures.read_write);
  result.intervals.write_write = ToLatencyResult(figures.write_write);
  result.intervals.read_read = ToLatencyResult(figures.read_read);
  for (const auto& [message, count] : stats.failures) result.failures.push_back({message, count});
  result.prediction = run.prediction;
  result.servers = DescribeServers(run);
  result.verdict.judgement = ToString(run.verdict.judgement);
  result.verdict.reasons = run.verdict.reasons;
  result.verdict.exit_code = run.exit_code;
  return result;
}

}  // namespace quorate::loadgen
