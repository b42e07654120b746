// What the generator's own arithmetic costs for each operation, beside an empty loop.
//
//   bazel run //loadgen:statistics_benchmark
//
// The last column, x_empty, is the processor's time divided by that of a loop that only counts: the
// first benchmark, which therefore must be among those that are run.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"

#include "loadgen/bijection.h"
#include "loadgen/histogram_encoding.h"
#include "loadgen/key_chooser.h"
#include "loadgen/latency_histogram.h"
#include "loadgen/mix.h"
#include "loadgen/random_stream.h"
#include "loadgen/reservoir.h"
#include "loadgen/value_codec.h"

namespace quorate::loadgen {
namespace {

constexpr size_t kPrepared = 4096;  // a power of two

// Durations between 50 us and 5 ms, made beforehand so that only the recording is timed.
std::vector<int64_t> Durations() {
  RandomStream random(1);
  std::vector<int64_t> durations;
  for (size_t i = 0; i < kPrepared; ++i) {
    durations.push_back(static_cast<int64_t>(50'000 * std::exp(random.NextUnit() * std::log(100))));
  }
  return durations;
}

void EmptyLoop(benchmark::State& state) {
  uint64_t index = 0;
  for (auto _ : state) benchmark::DoNotOptimize(++index);
}
BENCHMARK(EmptyLoop);

void RecordInHistogram(benchmark::State& state) {
  const std::vector<int64_t> durations = Durations();
  LatencyHistogram histogram;
  uint64_t index = 0;
  for (auto _ : state) histogram.Record(durations[++index % kPrepared]);
  benchmark::DoNotOptimize(histogram.count());
}
BENCHMARK(RecordInHistogram);

// One operation is in three histograms, response, service and send lag, and in a raw sample.
void RecordOperation(benchmark::State& state) {
  const std::vector<int64_t> durations = Durations();
  LatencyHistogram response;
  LatencyHistogram service;
  LatencyHistogram send_lag;
  Reservoir<int64_t> raw(100'000, 1);
  uint64_t index = 0;
  for (auto _ : state) {
    const int64_t duration = durations[++index % kPrepared];
    response.Record(duration + 20'000);
    service.Record(duration);
    send_lag.Record(20'000);
    raw.Add(duration);
  }
  benchmark::DoNotOptimize(raw.seen());
}
BENCHMARK(RecordOperation);

void AddToReservoir(benchmark::State& state) {
  Reservoir<int64_t> raw(100'000, 1);
  int64_t element = 0;
  for (auto _ : state) raw.Add(++element);
  benchmark::DoNotOptimize(raw.seen());
}
BENCHMARK(AddToReservoir);

void DrawKey(benchmark::State& state, const std::string& text, uint64_t keys) {
  const absl::StatusOr<KeyDistribution> distribution = ParseKeyDistribution(text);
  if (!distribution.ok()) return state.SkipWithError("no such distribution");
  const KeyChooser chooser(*distribution, keys, 1);
  uint64_t index = 0;
  for (auto _ : state) {
    ++index;
    benchmark::DoNotOptimize(
        chooser.ChooseAmong(keys, index, static_cast<Nanos>(index) * 1'000'000));
  }
}
BENCHMARK_CAPTURE(DrawKey, uniform_50, "uniform", 50);
BENCHMARK_CAPTURE(DrawKey, uniform_1e6, "uniform", 1'000'000);
BENCHMARK_CAPTURE(DrawKey, zipf_50, "zipf:0.99", 50);
BENCHMARK_CAPTURE(DrawKey, zipf_1e6, "zipf:0.99", 1'000'000);
BENCHMARK_CAPTURE(DrawKey, zipf_1e9, "zipf:0.99", 1'000'000'000);
BENCHMARK_CAPTURE(DrawKey, latest_1e6, "latest:0.99", 1'000'000);
BENCHMARK_CAPTURE(DrawKey, hotspot_1e6, "hotspot:0.9:0.1", 1'000'000);
BENCHMARK_CAPTURE(DrawKey, moving_1e6, "moving:0.9:0.1:1", 1'000'000);

void Scatter(benchmark::State& state) {
  const Bijection bijection(static_cast<uint64_t>(state.range(0)), 1);
  uint64_t index = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(bijection.Map(++index % static_cast<uint64_t>(state.range(0))));
  }
}
BENCHMARK(Scatter)->Arg(50)->Arg(1'000'000);

void DrawKindOfMix(benchmark::State& state) {
  const OperationMix mix = FindMix("a").value();
  uint64_t index = 0;
  for (auto _ : state) benchmark::DoNotOptimize(KindOf(mix, 1, ++index));
}
BENCHMARK(DrawKindOfMix);

void Encode(benchmark::State& state) {
  const auto bytes = static_cast<size_t>(state.range(0));
  uint64_t sequence = 0;
  for (auto _ : state) benchmark::DoNotOptimize(EncodeValue({7, 1, ++sequence}, bytes));
}
BENCHMARK(Encode)->Arg(64)->Arg(100)->Arg(1000);

void Check(benchmark::State& state) {
  const std::string value = EncodeValue({7, 1, 123456}, static_cast<size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(CheckValue(value, 7));
}
BENCHMARK(Check)->Arg(64)->Arg(100)->Arg(1000);

void EncodeHistogramAsText(benchmark::State& state) {
  LatencyHistogram histogram;
  for (const int64_t duration : Durations()) histogram.Record(duration);
  for (auto _ : state) benchmark::DoNotOptimize(EncodeHistogram(histogram));
}
BENCHMARK(EncodeHistogramAsText);

// Adds the ratio to the first benchmark that ran.
class RatioReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& reports) override {
    std::vector<Run> with_ratio = reports;
    for (Run& run : with_ratio) {
      if (run.error_occurred) continue;
      // Of the processor, so that other programs on the machine count for little.
      const double seconds = run.cpu_accumulated_time / static_cast<double>(run.iterations);
      if (empty_seconds_ == 0) empty_seconds_ = seconds;
      run.counters["x_empty"] = benchmark::Counter(seconds / empty_seconds_);
    }
    benchmark::ConsoleReporter::ReportRuns(with_ratio);
  }

 private:
  double empty_seconds_ = 0;
};

}  // namespace
}  // namespace quorate::loadgen

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  quorate::loadgen::RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  return 0;
}
