// What it costs to record the staleness of an operation, beside an empty loop.
//
//   bazel run //loadgen:staleness_benchmark
//
// A write counts as one operation, and so does a read; each has two calls, when it is sent and when
// it is answered. Keys are 50, as by default, or a million; of stale reads all are behind by half
// of what the recorder remembers, which is the most that they can cost for their kind.
#include <cstdint>
#include <vector>

#include "benchmark/benchmark.h"

#include "client/messages.h"
#include "loadgen/pbs.h"
#include "loadgen/staleness_recorder.h"
#include "loadgen/workload.h"

namespace quorate::loadgen {
namespace {

void EmptyLoop(benchmark::State& state) {
  uint64_t index = 0;
  for (auto _ : state) benchmark::DoNotOptimize(++index);
}

// Half writes, half reads that return the latest version or one from `range(1)` versions ago.
void RecordOperations(benchmark::State& state) {
  const size_t keys = static_cast<size_t>(state.range(0));
  const uint64_t behind = static_cast<uint64_t>(state.range(1));
  StalenessRecorderOptions options;
  options.keys = keys;
  StalenessRecorder recorder(options);
  std::vector<uint64_t> versions(keys, 100);
  uint64_t index = 0;
  Nanos now = 0;
  for (auto _ : state) {
    const size_t key = static_cast<size_t>(++index * 0x9e3779b97f4a7c15u >> 20) % keys;
    const uint32_t session = static_cast<uint32_t>(index % 32);
    const Nanos sent = now += 1000;
    now += 500;
    if (index % 2 == 0) {
      const Order order{0, ++versions[key], 0};
      recorder.OnWriteSent(key, sent);
      recorder.OnWriteAcknowledged(key, order, versions[key], sent, now, session);
    } else {
      const ReadToken token = recorder.OnReadSent(key, sent, session);
      const Order order{0, versions[key] - behind, 0};
      benchmark::DoNotOptimize(
          recorder.OnReadAnswered(key, token, order, versions[key] - behind, now, session));
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

void PbsTrials(benchmark::State& state) {
  DelaySamples samples;
  for (Nanos i = 0; i < 1000; ++i) {
    samples.writes.push_back({{i * 7 % 1000, i * 11 % 1000, i * 13 % 1000}, {100, 100, 100}});
    samples.reads.push_back({{i * 17 % 100, i * 19 % 100, i * 23 % 100}, {50, 50, 50}});
  }
  PbsOptions options;
  options.trials = 100'000;
  for (auto _ : state) benchmark::DoNotOptimize(SimulateJoint(samples, options)->StaleShare(0));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * options.trials));
}

BENCHMARK(EmptyLoop);
BENCHMARK(RecordOperations)->Args({50, 0})->Args({50, 32})->Args({1'000'000, 0});
BENCHMARK(PbsTrials)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace quorate::loadgen

BENCHMARK_MAIN();
