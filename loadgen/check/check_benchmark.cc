// How many operations a second a core records and checks.
//
//   bazel run //loadgen/check:check_benchmark
//
// Histories have two million operations, a tenth or a half of them writes, 64 in flight, and are
// linearizable, so every checker goes through all of them. The second argument is the number of
// keys. An empty loop stands beside them as the cost of the loop itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "glog/logging.h"

#include "client/messages.h"
#include "loadgen/check/check_result.h"
#include "loadgen/check/history.h"
#include "loadgen/check/recorder.h"
#include "loadgen/check/sessions.h"
#include "loadgen/check/staleness.h"
#include "loadgen/check/version_sweep.h"
#include "loadgen/check/zones.h"

namespace quorate::check {
namespace {

constexpr size_t kOperations = 2'000'000;
constexpr Nanos kSpacing = 500;
constexpr int kInFlight = 64;
constexpr uint32_t kSessions = 256;

// In the order of starts.
std::vector<Operation> MakeOperations(uint32_t keys, double write_share) {
  std::mt19937_64 random(7);
  std::vector<Operation> operations(kOperations);
  std::vector<std::pair<Nanos, size_t>> moments;
  for (size_t i = 0; i < kOperations; ++i) {
    Operation& operation = operations[i];
    operation.key = static_cast<uint32_t>(random() % keys);
    operation.session = static_cast<uint32_t>(random() % kSessions);
    if (static_cast<double>(random() % 1000) < write_share * 1000) operation.kind = Kind::kWrite;
    operation.node = static_cast<uint16_t>(random() % 5);
    operation.start = static_cast<Nanos>(i) * kSpacing;
    const Nanos length = 1 + static_cast<Nanos>(random() % (2 * kInFlight * kSpacing));
    operation.end = operation.start + length;
    moments.emplace_back(operation.start + static_cast<Nanos>(random() % length), i);
  }
  // Each takes effect at one moment of its interval.
  std::sort(moments.begin(), moments.end());
  std::vector<uint64_t> version(keys, 0);
  std::vector<uint64_t> value(keys, 0);
  for (const auto& [moment, i] : moments) {
    Operation& operation = operations[i];
    if (operation.is_write()) {
      ++version[operation.key];
      value[operation.key] = i + 1;
    }
    operation.order_known = 1;
    operation.order = version[operation.key];
    operation.value = value[operation.key];
    operation.found = operation.is_read() && operation.order > 0 ? 1 : 0;
  }
  return operations;
}

History MakeHistory(const benchmark::State& state) {
  History history;
  history.operations =
      MakeOperations(static_cast<uint32_t>(state.range(1)), state.range(0) / 100.0);
  SortByKey(&history);
  return history;
}

void Count(benchmark::State* state) {
  state->SetItemsProcessed(static_cast<int64_t>(state->iterations() * kOperations));
}

void EmptyLoop(benchmark::State& state) {
  for (auto _ : state) {
    for (size_t i = 0; i < kOperations; ++i) benchmark::DoNotOptimize(i);
  }
  Count(&state);
}
BENCHMARK(EmptyLoop)->Unit(benchmark::kMillisecond);

void VersionSweep(benchmark::State& state) {
  const History history = MakeHistory(state);
  for (auto _ : state) {
    CHECK(CheckVersionSweep(history, Model::kLinearizable).verdict() == Verdict::kHolds);
  }
  Count(&state);
}

void Zones(benchmark::State& state) {
  const History history = MakeHistory(state);
  for (auto _ : state) CHECK(CheckZones(history).verdict() == Verdict::kHolds);
  Count(&state);
}

void Sessions(benchmark::State& state) {
  const History history = MakeHistory(state);
  for (auto _ : state) {
    CHECK(CheckSessions(history).monotonic_reads.verdict() == Verdict::kHolds);
  }
  Count(&state);
}

void StaleReads(benchmark::State& state) {
  const History history = MakeHistory(state);
  for (auto _ : state) {
    CHECK_EQ(MeasureStaleness(history, [](const StaleRead&) {}).stale, 0u);
  }
  Count(&state);
}

// Begin and End of every operation, 64 in flight, as a load does it.
void Record(const std::vector<Operation>& operations, Recorder* recorder) {
  std::vector<Recorder::Slot> slots(kInFlight, Recorder::kNotRecorded);
  std::vector<size_t> in_flight(kInFlight, 0);
  for (size_t i = 0; i < operations.size() + kInFlight; ++i) {
    Recorder::Slot& slot = slots[i % kInFlight];
    if (i >= kInFlight) {
      const Operation& operation = operations[in_flight[i % kInFlight]];
      Ended ended;
      ended.node = operation.node;
      ended.found = operation.found != 0;
      ended.value = operation.value;
      if (operation.order > 0) ended.order = Order{1, operation.order, 0};
      ended.end = operation.end;
      recorder->End(slot, ended);
    }
    if (i >= operations.size()) continue;
    const Operation& operation = operations[i];
    slot = recorder->Begin(
        Began{operation.key, operation.session, operation.kind, operation.value, operation.start});
    in_flight[i % kInFlight] = i;
  }
}

void Recording(benchmark::State& state) {
  const std::vector<Operation> operations =
      MakeOperations(static_cast<uint32_t>(state.range(1)), state.range(0) / 100.0);
  for (auto _ : state) {
    Recorder recorder{RecorderOptions()};
    Record(operations, &recorder);
    CHECK_EQ(recorder.size(), kOperations);
  }
  Count(&state);
}

void FinishingARecording(benchmark::State& state) {
  const std::vector<Operation> operations =
      MakeOperations(static_cast<uint32_t>(state.range(1)), state.range(0) / 100.0);
  for (auto _ : state) {
    state.PauseTiming();
    Recorder recorder{RecorderOptions()};
    Record(operations, &recorder);
    state.ResumeTiming();
    CHECK_EQ(FinishRecording({&recorder}).operations.size(), kOperations);
  }
  Count(&state);
}

// Writes in a hundred operations; keys.
#define QUORATE_BENCHMARK(name) \
  BENCHMARK(name)->Unit(benchmark::kMillisecond)->Args({10, 50})->Args({50, 50})->Args({50, 1})
QUORATE_BENCHMARK(VersionSweep);
QUORATE_BENCHMARK(Zones);
QUORATE_BENCHMARK(Sessions);
QUORATE_BENCHMARK(StaleReads);
QUORATE_BENCHMARK(Recording);
QUORATE_BENCHMARK(FinishingARecording);
#undef QUORATE_BENCHMARK

}  // namespace
}  // namespace quorate::check

BENCHMARK_MAIN();
