#include "loadgen/run_command.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sys/utsname.h>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"

#include "loadgen/atomic_file.h"
#include "loadgen/check/history_file.h"
#include "loadgen/live_view.h"
#include "loadgen/measure.h"
#include "loadgen/prediction.h"
#include "loadgen/report.h"
#include "loadgen/result_builder.h"
#include "loadgen/summary.h"

namespace quorate::loadgen {
namespace {

// With more keys than this a history has no names for them: it would be longer than itself.
constexpr size_t kNamedKeysMax = 1'000'000;

void Complain(const absl::Status& status) {
  std::fprintf(stderr, "loadgen: %s\n", std::string(status.message()).c_str());
}

std::string CpuName() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    absl::string_view rest = line;
    if (!absl::ConsumePrefix(&rest, "model name")) continue;
    return std::string(
        absl::StripAsciiWhitespace(absl::StripPrefix(absl::StripAsciiWhitespace(rest), ":")));
  }
  return "";
}

RunResult::Host DescribeHost() {
  RunResult::Host host;
  host.cores = static_cast<int>(std::thread::hardware_concurrency());
  host.cpu = CpuName();
  utsname name{};
  if (uname(&name) == 0) host.system = absl::StrCat(name.sysname, " ", name.release);
  return host;
}

// Whether the files that the run is to leave behind can be written, before it is made.
absl::Status CheckOutputs(const Options& options) {
  for (const std::string& path : {options.output, options.history}) {
    if (path.empty()) continue;
    const absl::Status writable = CheckFileCanBeWritten(path);
    if (!writable.ok()) return writable;
  }
  return absl::OkStatus();
}

// Of clusters of Quorate, only leaderless ones do, and not those that are linearizable.
bool RanksByClocks(const RestHealth& cluster) {
  return cluster.strategy == "leaderless" && !absl::StartsWith(cluster.guarantee, "linearizable");
}

absl::Status WriteHistory(const Options& options, const RestHealth& cluster,
                          Measurement* measurement) {
  if (options.history.empty()) return absl::OkStatus();
  check::History history = measurement->mutable_recorder()->TakeHistory();
  history.description = absl::StrCat("loadgen, seed ", options.seed, ", ", cluster.strategy);
  history.ranked_by_clocks = RanksByClocks(cluster);
  const size_t keys =
      std::max<size_t>(static_cast<size_t>(options.num_keys),
                       history.operations.empty() ? 0 : size_t{history.operations.back().key} + 1);
  if (keys <= kNamedKeysMax) {
    for (size_t key = 0; key < keys; ++key) {
      history.keys.push_back(measurement->workload().KeyName(key));
    }
  }
  return check::WriteHistoryFile(history, options.history);
}

// An error, with the reason, where there is nothing to predict from.
absl::StatusOr<Prediction> PredictFrom(const Options& options, const Targets& targets,
                                       const Measurement& measurement) {
  if (!measurement.probe().ok()) return measurement.probe().status();
  if (measurement.interrupted()) return absl::NotFoundError("the run was interrupted");
  const DelayProbe& probe = **measurement.probe();
  const RestHealth& cluster = targets.health[targets.first_healthy];
  const ReadModel reads =
      ReadModelOf(options, options.r.value_or(cluster.r), targets.health[0].role);
  absl::StatusOr<Prediction> prediction =
      Predict(probe.estimator(), options.w.value_or(cluster.w), reads,
              measurement.recorder().staleness().by_delta);
  if (prediction.ok()) AddConvergence(probe, &*prediction);
  return prediction;
}

std::string Describe(const absl::StatusOr<Prediction>& prediction) {
  if (prediction.ok()) return FormatPrediction(*prediction);
  return absl::StrCat("Predicted Staleness: none, ", prediction.status().message(), "\n");
}

int ExitCode(const Measurement& measurement) {
  if (measurement.interrupted()) return kInterrupted;
  const RunStats& stats = measurement.stats();
  if (stats.reads.ok + stats.writes.ok == 0) return kNothingMeasured;
  return measurement.verdict().judgement == Judgement::kVoid ? kVoidRun : 0;
}

void ShowAndRun(const Options& options, Measurement* measurement) {
  if (options.json_lines) {
    return measurement->Run([](const IntervalStats& second) {
      std::printf("%s\n", FormatJsonLine(second).c_str());
      std::fflush(stdout);
    });
  }
  if (options.quiet) return measurement->Run([](const IntervalStats&) {});
  const Nanos run_end =
      (options.ramp_seconds + options.warmup_seconds + options.duration_seconds) * kNanosPerSecond;
  LiveView view(stdout);
  measurement->Run([&view, run_end](const IntervalStats& second) {
    // What is left at the end may be too short for a rate.
    if (second.to - second.from < kNanosPerSecond / 5) return;
    view.Show(FormatLiveLine(second, run_end));
  });
}

// While it lives, SIGINT and SIGTERM do nothing: what a run has found must not be lost when
// somebody presses Ctrl-C just after it. The program ends soon anyway. Of all threads: gRPC has its
// own.
class SignalsIgnored {
 public:
  SignalsIgnored()
      : interrupt_(std::signal(SIGINT, SIG_IGN)), terminate_(std::signal(SIGTERM, SIG_IGN)) {}
  ~SignalsIgnored() {
    std::signal(SIGINT, interrupt_);
    std::signal(SIGTERM, terminate_);
  }

 private:
  using Handler = void (*)(int);
  const Handler interrupt_;
  const Handler terminate_;
};

absl::Status WriteRun(const Options& options, const Targets& targets,
                      const std::vector<RestHealth>& health_after, const Measurement& measurement,
                      const absl::StatusOr<Prediction>& prediction, int exit_code,
                      absl::Time started, const std::vector<std::string>& command) {
  if (options.output.empty()) return absl::OkStatus();
  const FinishedRun run{
      options,
      measurement.workload(),
      targets.health[targets.first_healthy],
      measurement.stats(),
      measurement.recorder(),
      measurement.series(),
      measurement.verdict(),
      exit_code,
      command,
      google::VersionString(),
      absl::FormatTime(absl::RFC3339_full, started, absl::UTCTimeZone()),
      DescribeHost(),
      targets.health,
      health_after,
      prediction.ok() ? std::optional<PredictionResult>(prediction->result) : std::nullopt};
  return WriteResult(options.output, BuildResult(run));
}

}  // namespace

int RunCommand(const Options& options, const std::vector<std::string>& command) {
  const absl::Status writable = CheckOutputs(options);
  if (!writable.ok()) {
    Complain(writable);
    return kNothingMeasured;
  }
  absl::StatusOr<Targets> targets = ConnectToTargets(options);
  if (!targets.ok()) {
    Complain(targets.status());
    return kNothingMeasured;
  }
  const RestHealth cluster = targets->health[targets->first_healthy];
  std::FILE* const text = options.json_lines ? stderr : stdout;
  std::fprintf(text, "%s\n", FormatHeader(options, cluster).c_str());
  std::fflush(text);

  const absl::Time started = absl::Now();
  Measurement measurement(options, &*targets, static_cast<uint64_t>(absl::ToUnixMicros(started)));
  ShowAndRun(options, &measurement);
  const SignalsIgnored signals;
  const int exit_code = ExitCode(measurement);
  std::vector<RestHealth> health_after;
  if (!measurement.interrupted()) health_after = targets->transport->CheckTargets();
  const absl::StatusOr<Prediction> prediction = PredictFrom(options, *targets, measurement);
  // Before the report, which may go to somebody who does not read it.
  const absl::Status written = WriteRun(options, *targets, health_after, measurement, prediction,
                                        exit_code, started, command);
  const absl::Status history = WriteHistory(options, cluster, &measurement);
  std::fprintf(
      text, "%s\n%s\n%s\n%s", measurement.interrupted() ? "  (interrupted)\n" : "",
      FormatSummary(measurement.stats(), measurement.recorder(), measurement.workload()).c_str(),
      Describe(prediction).c_str(),
      FormatReport(measurement.stats(), measurement.verdict()).c_str());
  if (!options.output.empty() && written.ok()) {
    std::fprintf(text, "\n  Results: %s\n", options.output.c_str());
  }
  std::fflush(text);
  for (const absl::Status& status : {written, history}) {
    if (!status.ok()) Complain(status);
  }
  if ((!written.ok() || !history.ok()) && exit_code == 0) return kNothingMeasured;
  return exit_code;
}

}  // namespace quorate::loadgen
