#include "loadgen/example_results.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

namespace quorate::loadgen {
namespace {

double Seconds(int64_t micros) { return static_cast<double>(micros) * 1e-6; }

double MeanSeconds(const std::vector<int64_t>& micros) {
  double sum = 0;
  for (const int64_t value : micros) sum += Seconds(value);
  return micros.empty() ? 0 : sum / static_cast<double>(micros.size());
}

Json LatencyOf(const std::vector<int64_t>& micros) {
  std::map<int64_t, uint64_t> counts;
  for (const int64_t value : micros) ++counts[value * 1000];
  Json sparse = Json::array();
  for (const auto& [value, count] : counts) sparse.push_back(Json::array({value, count}));
  const bool any = !micros.empty();
  return {{"count", micros.size()},
          {"mean", any ? Json(MeanSeconds(micros)) : Json(nullptr)},
          {"min", any ? Json(static_cast<double>(counts.begin()->first) * 1e-9) : Json(nullptr)},
          {"max", any ? Json(static_cast<double>(counts.rbegin()->first) * 1e-9) : Json(nullptr)},
          {"percentiles", Json::object()},
          {"intervals95", Json::object()},
          {"histogram",
           {{"significant_digits", 3},
            {"unit", "ns"},
            {"lowest", 1},
            {"highest", 60'000'000'000},
            {"encoded", ""},
            {"sparse", sparse}}}};
}

std::vector<int64_t> Micros(const std::vector<ExampleOperation>& operations, bool write) {
  std::vector<int64_t> micros;
  for (const ExampleOperation& operation : operations) {
    if (operation.write == write && !operation.failed) micros.push_back(operation.micros);
  }
  return micros;
}

Json RawOf(const std::vector<int64_t>& micros, uint64_t limit) {
  Json list = Json::array();
  for (size_t i = 0; i < std::min<size_t>(micros.size(), limit); ++i) {
    list.push_back(Seconds(micros[i]));
  }
  return list;
}

uint64_t Cut(size_t all, uint64_t limit) { return all - std::min<size_t>(all, limit); }

uint64_t StaleIn(const std::vector<ExampleOperation>& operations) {
  return std::count_if(operations.begin(), operations.end(),
                       [](const ExampleOperation& operation) { return operation.stale; });
}

uint64_t FailedIn(const std::vector<ExampleOperation>& operations) {
  return std::count_if(operations.begin(), operations.end(),
                       [](const ExampleOperation& operation) { return operation.failed; });
}

// Counted in buckets of a 32nd of a power of two of microseconds.
Json CoarseOf(const std::vector<int64_t>& micros) {
  std::map<int64_t, uint64_t> counts;
  for (const int64_t value : micros) {
    int64_t width = 1;
    while (value / width >= 64) width *= 2;
    ++counts[value / width * width * 1000];
  }
  Json list = Json::array();
  for (const auto& [value, count] : counts) list.push_back(Json::array({value, count}));
  return list;
}

// What StalenessOf adds to what the operations tell is in the first one.
Json WindowsOf(const std::vector<ExampleOperation>& operations, const ExampleRun& run) {
  std::vector<std::vector<ExampleOperation>> seconds(static_cast<size_t>(run.seconds));
  for (const ExampleOperation& operation : operations) {
    seconds[static_cast<size_t>(operation.second)].push_back(operation);
  }
  Json windows = Json::array();
  for (const std::vector<ExampleOperation>& here : seconds) {
    const std::vector<int64_t> reads = Micros(here, false);
    const bool first = windows.empty();
    windows.push_back({{"start", windows.size() + 1},
                       {"seconds", 1},
                       {"failed", FailedIn(here)},
                       {"unknown", 0},
                       {"judged", reads.size()},
                       {"stale", StaleIn(here)},
                       {"loosely_stale", StaleIn(here) + (first ? 1 : 0)},
                       {"inversions", first ? 2 : 0},
                       {"read_response", CoarseOf(reads)},
                       {"write_response", CoarseOf(Micros(here, true))}});
  }
  return windows;
}

Json SeriesOf(const std::vector<ExampleOperation>& operations, const ExampleRun& run) {
  Json series = Json::array();
  for (int second = -1; second < run.seconds; ++second) {
    std::vector<ExampleOperation> here;
    for (const ExampleOperation& operation : operations) {
      if (operation.second == second) here.push_back(operation);
    }
    std::vector<int64_t> all;
    for (const ExampleOperation& operation : here) {
      if (!operation.failed) all.push_back(operation.micros);
    }
    std::sort(all.begin(), all.end());
    const auto at = [&all](double quantile) {
      if (all.empty()) return Json(nullptr);
      const double index = quantile * static_cast<double>(all.size() - 1);
      return Json(Seconds(all[static_cast<size_t>(index)]));
    };
    series.push_back({{"start", second + 1},
                      {"seconds", 1},
                      {"warm_up", second < 0},
                      {"reads_ok", Micros(here, false).size()},
                      {"writes_ok", Micros(here, true).size()},
                      {"failed", FailedIn(here)},
                      {"unknown", 0},
                      {"stale", StaleIn(here)},
                      {"p50", at(0.5)},
                      {"p99", at(0.99)},
                      {"max", at(1)},
                      {"in_flight", 3},
                      {"offered", here.size()}});
  }
  return series;
}

Json RunOf(const ExampleRun& run) {
  return {{"tool", {{"name", "quorate loadgen"}, {"version", "0.1.0"}}},
          {"command", {"loadgen"}},
          {"seed", run.seed},
          {"started_at", run.started_at},
          {"host", {{"cores", 2}, {"cpu", "some"}, {"system", "Linux"}}},
          {"cluster",
           {{"strategy", "leaderless"},
            {"n", 3},
            {"w", run.w},
            {"r", 1},
            {"guarantee", ""},
            {"durability", "os"},
            {"emulate", ""}}},
          {"workload",
           {{"write_ratio", 0.5},
            {"qps", run.per_second},
            {"num_keys", 50},
            {"distribution", "uniform"},
            {"zipf_exponent", nullptr},
            {"targets", {"127.0.0.1:8080"}},
            {"top_key_share", 0.02 + 0.001 * static_cast<double>(run.seed)},
            {"hottest_key_writes_per_second", 1.5}}},
          {"phases",
           {{{"name", "warm-up"}, {"start", 0}, {"end", 1}},
            {{"name", "measure"}, {"start", 1}, {"end", run.seconds + 1}}}}};
}

Json StalenessOf(const std::vector<ExampleOperation>& operations) {
  const uint64_t reads = Micros(operations, false).size();
  const uint64_t stale = StaleIn(operations);
  std::vector<int64_t> t;
  for (const ExampleOperation& operation : operations) {
    if (operation.stale) t.push_back(operation.micros);
  }
  const Json share = {{"reads", reads}, {"stale", stale}, {"rate", 0}, {"low", 0}, {"high", 1}};
  return {{"strict", share},
          {"loose", {{"reads", reads}, {"stale", stale + 1}}},
          {"difference", "some"},
          {"k", {{0, reads - stale}, {1, stale}}},
          {"t", LatencyOf(t)},
          {"by_interval",
           {{{"from", 0}, {"to", 0.001}, {"reads", reads / 2}, {"stale", stale}},
            {{"from", 0.001}, {"to", nullptr}, {"reads", reads - reads / 2}, {"stale", 0}}}},
          {"inversions", 2},
          {"sessions", {{"monotonic_read", 3}, {"read_your_writes", 4}}},
          {"absent", 5},
          {"corrupt", 0}};
}

}  // namespace

std::vector<ExampleOperation> DrawOperations(uint64_t seed, const ExampleRun& run) {
  std::mt19937_64 random(seed);
  const auto unit = [&random] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  std::vector<ExampleOperation> operations;
  const auto gap = [&run, &unit] { return -std::log(unit()) * run.seconds_between_stalls; };
  double stall = run.stall_seconds > 0 ? gap() : run.seconds;  // its start
  for (int second = 0; second < run.seconds; ++second) {
    for (int i = 0; i < run.per_second; ++i) {
      ExampleOperation operation;
      operation.second = second;
      operation.write = unit() < 0.5;
      operation.micros = std::llround(run.slowness * 500 * std::pow(unit(), -0.5));
      operation.stale = !operation.write && unit() < run.stale_share;
      operation.failed = run.failed_share > 0 && unit() < run.failed_share;
      const double due = second + static_cast<double>(i) / run.per_second;
      while (due >= stall + run.stall_seconds && stall < run.seconds) {
        stall += run.stall_seconds + gap();
      }
      if (due >= stall && stall < run.seconds) {
        operation.micros += std::llround((stall + run.stall_seconds - due) * 1e6);
        operation.failed = operation.failed || unit() < run.failed_in_stalls;
      }
      operation.stale = operation.stale && !operation.failed;
      operations.push_back(operation);
    }
  }
  return operations;
}

Json ResultOf(const std::vector<ExampleOperation>& operations, const ExampleRun& run) {
  const std::vector<int64_t> writes = Micros(operations, true);
  const std::vector<int64_t> reads = Micros(operations, false);
  const Json none = LatencyOf({});
  const auto group = [](const char* kind, const char* outcome, const std::vector<int64_t>& all) {
    return Json{{"operation", kind},
                {"outcome", outcome},
                {"count", all.size()},
                {"response", LatencyOf(all)},
                {"service", LatencyOf(all)}};
  };
  Json failed = group("write", "failed", {});
  failed["count"] = FailedIn(operations);
  return {{"schema", "quorate.loadgen.result/1"},
          {"mode", "leaderless"},
          {"statistics",
           {{"total_writes", writes.size()},
            {"total_reads", reads.size()},
            {"total_stale_reads", StaleIn(operations)},
            {"write_avg_latency", MeanSeconds(writes)},
            {"read_avg_latency", MeanSeconds(reads)}}},
          {"verdict", {{"judgement", "valid"}, {"reasons", Json::array()}, {"exit_code", 0}}},
          {"run", RunOf(run)},
          {"totals",
           {{"scheduled", operations.size()},
            {"offered_per_second", run.per_second},
            {"achieved_per_second", run.per_second},
            {"missed", 1},
            {"waited", 2}}},
          {"operations", {group("write", "ok", writes), group("read", "ok", reads), failed}},
          {"send_lag", LatencyOf(writes)},
          {"staleness", StalenessOf(operations)},
          {"prediction", nullptr},
          {"intervals",
           {{"write_read", LatencyOf(reads)},
            {"read_write", LatencyOf(writes)},
            {"write_write", none},
            {"read_read", none}}},
          {"series", SeriesOf(operations, run)},
          {"windows", WindowsOf(operations, run)},
          {"failures", {{{"message", "refused"}, {"count", 7}}}},
          {"servers", {{{"node", "n1"}, {"counters", {{"writes", 9}}}}}},
          {"raw_samples",
           {{"limit", run.raw_limit},
            {"write_latencies_cut", Cut(writes.size(), run.raw_limit)},
            {"read_latencies_cut", Cut(reads.size(), run.raw_limit)},
            {"stale_reads_cut", 0},
            {"read_write_intervals_cut", 0}}},
          {"stale_reads", Json::array()},
          {"read_write_intervals", Json::array()},
          {"write_latencies", RawOf(writes, run.raw_limit)},
          {"read_latencies", RawOf(reads, run.raw_limit)}};
}

Json DocumentedResultOf(const std::vector<ExampleOperation>& operations) {
  const std::vector<int64_t> writes = Micros(operations, true);
  const std::vector<int64_t> reads = Micros(operations, false);
  return {{"mode", "leader"},
          {"write_latencies", writes.empty() ? Json(nullptr) : RawOf(writes, writes.size())},
          {"read_latencies", reads.empty() ? Json(nullptr) : RawOf(reads, reads.size())},
          {"stale_reads", nullptr},
          {"read_write_intervals", nullptr},
          {"statistics",
           {{"total_writes", writes.size()},
            {"total_reads", reads.size()},
            {"total_stale_reads", StaleIn(operations)},
            {"write_avg_latency", MeanSeconds(writes)},
            {"read_avg_latency", MeanSeconds(reads)}}}};
}

}  // namespace quorate::loadgen
