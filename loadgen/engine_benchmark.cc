// What the load engine costs: a Runner over transports to nothing, or to a server that answers at
// once. The column of items a second counts the processor time of the generator's thread; beside it
// stands what was reached on the clock, where the server's threads had their share of the machine,
// and what an operation cost all threads together, the server's among them.
//
//   bazel run //loadgen:engine_benchmark -- --benchmark_filter=Stream
#include <chrono>
#include <cstdint>
#include <memory>
#include <sys/resource.h>

#include "benchmark/benchmark.h"
#include "glog/logging.h"

#include "loadgen/load_loop.h"
#include "loadgen/memory_node.h"
#include "loadgen/null_transport.h"
#include "loadgen/transport_factory.h"
#include "support/library_locks.h"

namespace quorate::loadgen {
namespace {

constexpr size_t kKeys = 1000;

RunnerOptions RunOf(double seconds) {
  RunnerOptions options;
  options.workload.seed = 1;
  options.workload.writes_per_operation = 0.5;
  options.workload.keys = kKeys;
  options.load_keys = true;
  options.measured = static_cast<Nanos>(seconds * kNanosPerSecond);
  return options;
}

// Of all threads.
double ProcessorSeconds() {
  rusage usage{};
  PCHECK(getrusage(RUSAGE_SELF, &usage) == 0);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

double Micros(Nanos nanos) { return static_cast<double>(nanos) / 1000; }

// Runs the load once an iteration.
void Measure(benchmark::State& state, const RunnerOptions& options, Transport* transport) {
  uint64_t operations = 0;
  double seconds = 0;
  RunStats last;
  const double processor_before = ProcessorSeconds();
  for (auto _ : state) {
    LoadLoop loop(options, transport);
    const auto begin = std::chrono::steady_clock::now();
    last = loop.Run([](const IntervalStats&) {});
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    CHECK_EQ(last.reads.failed + last.writes.failed + last.writes.unknown, 0u);
    CHECK_EQ(last.wrong_values + last.stale_reads + last.absent_reads, 0u);
    operations += last.reads.ok + last.writes.ok;
  }
  state.SetItemsProcessed(static_cast<int64_t>(operations));
  state.counters["wall_per_second"] = static_cast<double>(operations) / seconds;
  state.counters["all_threads_us"] =
      1e6 * (ProcessorSeconds() - processor_before) / static_cast<double>(operations);
  state.counters["p50_us"] = Micros(last.reads.service.ValueAtQuantile(0.5));
  state.counters["p99_us"] = Micros(last.reads.service.ValueAtQuantile(0.99));
  state.counters["lag_p99_us"] = Micros(last.send_lag.ValueAtQuantile(0.99));
  state.counters["missed"] = static_cast<double>(last.missed);
}

// The baseline: what no engine can do without, the time of sending and of the reply.
void BM_EmptyLoop(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(std::chrono::steady_clock::now());
    benchmark::DoNotOptimize(std::chrono::steady_clock::now());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(BM_EmptyLoop);

void BM_ClosedLoopOverNothing(benchmark::State& state) {
  RunnerOptions options = RunOf(1);
  options.closed_loop = static_cast<size_t>(state.range(0));
  NullTransport transport(1, kKeys, 4096);
  Measure(state, options, &transport);
}
BENCHMARK(BM_ClosedLoopOverNothing)->Arg(1)->Arg(256)->Iterations(2)->Unit(benchmark::kMillisecond);

void BM_OpenLoopOverNothing(benchmark::State& state) {
  RunnerOptions options = RunOf(1);
  options.operations_per_second = static_cast<double>(state.range(0));
  options.spacing = Spacing::kPoisson;
  NullTransport transport(1, kKeys, 1 << 20);
  Measure(state, options, &transport);
}
BENCHMARK(BM_OpenLoopOverNothing)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Iterations(2)
    ->Unit(benchmark::kMillisecond);

void OverGrpc(benchmark::State& state, TransportKind kind, RunnerOptions options) {
  MemoryNode node;
  TransportOptions transport_options;
  transport_options.targets = {node.address()};
  transport_options.max_in_flight = 16384;
  const auto transport = MakeTransport(kind, transport_options);
  CHECK(transport.ok()) << transport.status();
  Measure(state, options, transport->get());
}

void BM_ClosedLoopOverStream(benchmark::State& state) {
  RunnerOptions options = RunOf(3);
  options.closed_loop = static_cast<size_t>(state.range(0));
  OverGrpc(state, TransportKind::kStream, options);
}
BENCHMARK(BM_ClosedLoopOverStream)
    ->Arg(1)
    ->Arg(64)
    ->Arg(1024)
    ->Arg(4096)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

void BM_OpenLoopOverStream(benchmark::State& state) {
  RunnerOptions options = RunOf(3);
  options.warm_up = kNanosPerSecond;
  options.operations_per_second = static_cast<double>(state.range(0));
  options.max_waiting = 1'000'000;
  OverGrpc(state, TransportKind::kStream, options);
}
BENCHMARK(BM_OpenLoopOverStream)
    ->Arg(1000)
    ->Arg(100'000)
    ->Arg(500'000)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

void BM_ClosedLoopOverCalls(benchmark::State& state) {
  RunnerOptions options = RunOf(2);
  options.closed_loop = static_cast<size_t>(state.range(0));
  OverGrpc(state, TransportKind::kUnary, options);
}
BENCHMARK(BM_ClosedLoopOverCalls)->Arg(64)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace quorate::loadgen

int main(int argc, char** argv) {
  quorate::SpareLibraryLocks();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
