#include "loadgen/result_example.h"

namespace quorate::loadgen {
namespace {

LatencyResult ExampleLatency() {
  LatencyResult latency;
  latency.count = 4;
  latency.mean = 0.0025;
  latency.min = 0.001;
  latency.max = 0.004;
  latency.percentiles = {{"50", 0.002, 0.001, 0.003}, {"99"}};
  latency.histogram.highest_ns = 60'000'000'000;
  latency.histogram.encoded = "HISTFAAAAA==";
  latency.histogram.buckets = {{1'000'000, 1}, {2'000'000, 2}, {4'000'000, 1}};
  return latency;
}

RunResult ExampleRun() {
  RunResult run;
  run.tool_version = "0.4.0";
  run.command = {"loadgen", "-mode", "leader", "-output", "a b.json"};
  run.seed = 18'446'744'073'709'551'615u;
  run.started_at = "2026-11-28T07:00:00Z";
  run.host = {2, "a processor", "a system"};
  run.cluster = {"leader_follower", 5, 3, 3, "regular", "memory", "classroom"};
  run.workload.write_ratio = 0.1;
  run.workload.qps = 200;
  run.workload.num_keys = 50;
  run.workload.distribution = "uniform";
  run.workload.value_bytes = 100;
  run.workload.transport = "rest";
  run.workload.targets = {"127.0.0.1:8080", "127.0.0.1:8081"};
  run.workload.read_target = "coordinator";
  run.workload.in_flight = 64;
  run.workload.top_key_share = 0.03;
  run.phases = {{"warm-up", 0, 1}, {"measure", 1, 4}, {"drain", 4, 4.1}};
  return run;
}

StalenessResult ExampleStaleness() {
  StalenessResult staleness;
  staleness.strict = {4, 1, 0.25, 0.04, 0.7};
  staleness.loose = {4, 2, 0.5, 0.15, 0.85};
  staleness.difference = "Loose counts writes that were answered while the read was under way.";
  staleness.k = {{0, 3}, {1, 1}};
  staleness.t = ExampleLatency();
  staleness.by_interval = {{0, 0.001, {2, 1, 0.5, 0.1, 0.9}}, {0.001, kUnknownNumber, {2}}};
  staleness.inversions = 1;
  staleness.monotonic_read_violations = 2;
  staleness.read_your_writes_violations = 3;
  staleness.absent = 4;
  staleness.corrupt = 5;
  return staleness;
}

SecondResult ExampleSecond() {
  SecondResult second;
  second.start = 1;
  second.reads_ok = 4;
  second.writes_ok = 2;
  second.failed = 1;
  second.stale = 1;
  second.p50 = 0.002;
  second.max = 0.004;
  second.in_flight = 3;
  second.offered = 7;
  return second;
}

}  // namespace

ResultFile ExampleResult() {
  ResultFile result;
  result.mode = "leader";
  result.write_latencies = {0.002, 0.004};
  result.read_latencies = {0.001, 0.002, kUnknownNumber, 0.003};
  result.stale_reads = {{"key \"7\"\n", 5, 4, 0.0125}};
  result.read_write_intervals = {0.5, 1e-9};
  result.total_writes = 2;
  result.total_reads = 4;
  result.total_stale_reads = 1;
  result.write_avg_latency = 0.003;
  result.read_avg_latency = 0.0025;
  result.raw_samples = {100'000, 0, 1, 0, 0};
  result.run = ExampleRun();
  result.totals = {7, 2.5, 2.25, 0, 1};
  result.operations = {{"read", "ok", 4, ExampleLatency(), ExampleLatency()},
                       {"write", "unknown", 1, {}, {}}};
  result.send_lag = ExampleLatency();
  result.series = {ExampleSecond()};
  result.windows = {{1, 1, 1, 0, 4, 1, 2, 1, {{1'024'000, 1}, {1'966'080, 3}}, {{2'031'616, 2}}}};
  result.staleness = ExampleStaleness();
  result.intervals = {ExampleLatency(), ExampleLatency(), {}, ExampleLatency()};
  result.prediction = PredictionResult{{{0, 0.4, 0.5}, {0.01, 0, 0.1}}, 0.02, {"no failures"}};
  result.failures = {{"the connection was reset", 1}};
  result.servers = {{"1", {{"repairs", 3}, {"hints", 0}}}};
  result.verdict = {"shared", {"generator and servers share one machine of 2 cores"}, 0};
  return result;
}

}  // namespace quorate::loadgen
