#include "loadgen/result_file.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

#include "loadgen/atomic_file.h"

namespace quorate::loadgen {
namespace {

// Keeps its members in the order in which they were set.
using Json = nlohmann::ordered_json;

constexpr char kSchema[] = "quorate.loadgen.result/1";

Json Number(double number) { return std::isfinite(number) ? Json(number) : Json(nullptr); }

Json Number(const std::optional<int>& number) {
  return number.has_value() ? Json(*number) : Json(nullptr);
}

Json Finite(const std::vector<double>& numbers) {
  Json list = Json::array();
  for (const double number : numbers) {
    if (std::isfinite(number)) list.push_back(number);
  }
  return list;
}

template <typename A, typename B>
Json Pairs(const std::vector<std::pair<A, B>>& pairs) {
  Json list = Json::array();
  for (const auto& [first, second] : pairs) list.push_back(Json::array({first, second}));
  return list;
}

template <typename T>
Json List(const std::vector<T>& items, Json (*to_json)(const T&)) {
  Json list = Json::array();
  for (const T& item : items) list.push_back(to_json(item));
  return list;
}

Json Texts(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

Json FromHistogram(const LatencyResult::Histogram& histogram) {
  return {{"significant_digits", histogram.significant_digits},
          {"unit", "ns"},
          {"lowest", histogram.lowest_ns},
          {"highest", histogram.highest_ns},
          {"encoded", histogram.encoded},
          {"sparse", Pairs(histogram.buckets)}};
}

Json FromLatency(const LatencyResult& latency) {
  Json percentiles = Json::object();
  Json intervals = Json::object();
  for (const PercentileResult& percentile : latency.percentiles) {
    percentiles[percentile.percent] = Number(percentile.value);
    const bool known = std::isfinite(percentile.low) && std::isfinite(percentile.high);
    intervals[percentile.percent] =
        known ? Json::array({percentile.low, percentile.high}) : Json(nullptr);
  }
  return {{"count", latency.count},
          {"mean", Number(latency.mean)},
          {"min", Number(latency.min)},
          {"max", Number(latency.max)},
          {"percentiles", std::move(percentiles)},
          {"intervals95", std::move(intervals)},
          {"histogram", FromHistogram(latency.histogram)}};
}

Json FromStaleRead(const StaleRead& read) {
  return {{"key", read.key},
          {"expected_version", read.expected_version},
          {"actual_version", read.actual_version},
          {"time_since_write", Number(read.time_since_write)}};
}

Json FromRawSamples(const RawSamplesResult& samples) {
  return {{"limit", samples.limit},
          {"write_latencies_cut", samples.write_latencies_cut},
          {"read_latencies_cut", samples.read_latencies_cut},
          {"stale_reads_cut", samples.stale_reads_cut},
          {"read_write_intervals_cut", samples.read_write_intervals_cut}};
}

Json FromWorkload(const RunResult::Workload& workload) {
  return {{"write_ratio", Number(workload.write_ratio)},
          {"qps", Number(workload.qps)},
          {"num_keys", workload.num_keys},
          {"distribution", workload.distribution},
          {"zipf_exponent", Number(workload.zipf_exponent)},
          {"value_bytes", workload.value_bytes},
          {"mix", workload.mix},
          {"transport", workload.transport},
          {"targets", Texts(workload.targets)},
          {"read_target", workload.read_target},
          {"loop", workload.loop},
          {"spacing", workload.spacing},
          {"in_flight", workload.in_flight},
          {"top_key_share", Number(workload.top_key_share)},
          {"hottest_key_writes_per_second", Number(workload.hottest_key_writes_per_second)}};
}

Json FromPhase(const RunResult::Phase& phase) {
  return {{"name", phase.name}, {"start", Number(phase.start)}, {"end", Number(phase.end)}};
}

Json FromRun(const RunResult& run) {
  const RunResult::Cluster& cluster = run.cluster;
  return {{"tool", {{"name", run.tool_name}, {"version", run.tool_version}}},
          {"command", Texts(run.command)},
          {"seed", run.seed},
          {"started_at", run.started_at},
          {"host", {{"cores", run.host.cores}, {"cpu", run.host.cpu}, {"system", run.host.system}}},
          {"cluster",
           {{"strategy", cluster.strategy},
            {"n", Number(cluster.n)},
            {"w", Number(cluster.w)},
            {"r", Number(cluster.r)},
            {"guarantee", cluster.guarantee},
            {"durability", cluster.durability},
            {"emulate", cluster.emulate}}},
          {"workload", FromWorkload(run.workload)},
          {"phases", List(run.phases, FromPhase)}};
}

Json FromTotals(const TotalsResult& totals) {
  return {{"scheduled", totals.scheduled},
          {"offered_per_second", Number(totals.offered_per_second)},
          {"achieved_per_second", Number(totals.achieved_per_second)},
          {"missed", totals.missed},
          {"waited", totals.waited}};
}

Json FromOperation(const OperationResult& operation) {
  return {{"operation", operation.operation},
          {"outcome", operation.outcome},
          {"count", operation.count},
          {"response", FromLatency(operation.response)},
          {"service", FromLatency(operation.service)}};
}

Json FromSecond(const SecondResult& second) {
  return {{"start", Number(second.start)}, {"seconds", Number(second.seconds)},
          {"warm_up", second.warm_up},     {"reads_ok", second.reads_ok},
          {"writes_ok", second.writes_ok}, {"failed", second.failed},
          {"unknown", second.unknown},     {"stale", second.stale},
          {"p50", Number(second.p50)},     {"p99", Number(second.p99)},
          {"max", Number(second.max)},     {"in_flight", second.in_flight},
          {"offered", second.offered}};
}

Json FromWindow(const ResultFile::Window& window) {
  return {{"start", Number(window.start)},
          {"seconds", Number(window.seconds)},
          {"failed", window.failed},
          {"unknown", window.unknown},
          {"judged", window.judged},
          {"stale", window.stale},
          {"loosely_stale", window.loosely_stale},
          {"inversions", window.inversions},
          {"read_response", Pairs(window.read_response)},
          {"write_response", Pairs(window.write_response)}};
}

Json FromShare(const StaleShare& share) {
  return {{"reads", share.reads},
          {"stale", share.stale},
          {"rate", Number(share.rate)},
          {"low", Number(share.low)},
          {"high", Number(share.high)}};
}

Json FromByInterval(const StalenessResult::ByInterval& interval) {
  return {{"from", Number(interval.from)},     {"to", Number(interval.to)},
          {"reads", interval.share.reads},     {"stale", interval.share.stale},
          {"low", Number(interval.share.low)}, {"high", Number(interval.share.high)}};
}

Json FromStaleness(const StalenessResult& staleness) {
  return {{"strict", FromShare(staleness.strict)},
          {"loose", FromShare(staleness.loose)},
          {"difference", staleness.difference},
          {"k", Pairs(staleness.k)},
          {"t", FromLatency(staleness.t)},
          {"by_interval", List(staleness.by_interval, FromByInterval)},
          {"inversions", staleness.inversions},
          {"sessions",
           {{"monotonic_read", staleness.monotonic_read_violations},
            {"read_your_writes", staleness.read_your_writes_violations}}},
          {"absent", staleness.absent},
          {"corrupt", staleness.corrupt}};
}

Json FromPoint(const PredictionResult::Point& point) {
  return {{"after", Number(point.after)},
          {"stale_independent", Number(point.stale_independent)},
          {"stale_joint", Number(point.stale_joint)}};
}

Json FromPrediction(const std::optional<PredictionResult>& prediction) {
  if (!prediction.has_value()) return nullptr;
  return {{"points", List(prediction->points, FromPoint)},
          {"rmse", Number(prediction->rmse)},
          {"assumptions", Texts(prediction->assumptions)}};
}

Json FromFailure(const ResultFile::Failure& failure) {
  return {{"message", failure.message}, {"count", failure.count}};
}

Json FromServer(const ResultFile::Server& server) {
  Json counters = Json::object();
  for (const auto& [name, value] : server.counters) counters[name] = value;
  return {{"node", server.node}, {"counters", std::move(counters)}};
}

Json FromVerdict(const ResultFile::Verdict& verdict) {
  return {{"judgement", verdict.judgement},
          {"reasons", Texts(verdict.reasons)},
          {"exit_code", verdict.exit_code}};
}

Json FromIntervals(const ResultFile::Intervals& intervals) {
  return {{"write_read", FromLatency(intervals.write_read)},
          {"read_write", FromLatency(intervals.read_write)},
          {"write_write", FromLatency(intervals.write_write)},
          {"read_read", FromLatency(intervals.read_read)}};
}

Json FromResult(const ResultFile& result) {
  return {{"schema", kSchema},
          {"mode", result.mode},
          {"statistics",
           {{"total_writes", result.total_writes},
            {"total_reads", result.total_reads},
            {"total_stale_reads", result.total_stale_reads},
            {"write_avg_latency", Number(result.write_avg_latency)},
            {"read_avg_latency", Number(result.read_avg_latency)}}},
          {"verdict", FromVerdict(result.verdict)},
          {"run", FromRun(result.run)},
          {"totals", FromTotals(result.totals)},
          {"operations", List(result.operations, FromOperation)},
          {"send_lag", FromLatency(result.send_lag)},
          {"staleness", FromStaleness(result.staleness)},
          {"prediction", FromPrediction(result.prediction)},
          {"intervals", FromIntervals(result.intervals)},
          {"series", List(result.series, FromSecond)},
          {"windows", List(result.windows, FromWindow)},
          {"failures", List(result.failures, FromFailure)},
          {"servers", List(result.servers, FromServer)},
          {"raw_samples", FromRawSamples(result.raw_samples)},
          {"stale_reads", List(result.stale_reads, FromStaleRead)},
          {"read_write_intervals", Finite(result.read_write_intervals)},
          {"write_latencies", Finite(result.write_latencies)},
          {"read_latencies", Finite(result.read_latencies)}};
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace

std::string FormatResult(const ResultFile& result) {
  // A line for each section, so that people can look into a file of a megabyte.
  const Json json = FromResult(result);
  std::string text = "{";
  for (const auto& [name, section] : json.items()) {
    absl::StrAppend(&text, text.size() == 1 ? "\n" : ",\n", "\"", name, "\": ", Dump(section));
  }
  text += "\n}\n";
  return text;
}

absl::Status WriteResult(const std::string& path, const ResultFile& result) {
  return WriteFileAtomically(path, FormatResult(result));
}

}  // namespace quorate::loadgen
