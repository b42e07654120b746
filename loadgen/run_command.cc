#include "loadgen/run_command.h"

#include <cstdio>
#include <fstream>
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
#include "loadgen/report.h"
#include "loadgen/result_builder.h"
#include "loadgen/summary.h"

namespace quorate::loadgen {
namespace {

// With more keys than this a history has no names for them: it would be longer than itself.
constexpr int kNamedKeysMax = 1'000'000;

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

absl::Status WriteHistory(const Options& options, const RestHealth& cluster,
                          Measurement* measurement) {
  if (options.history.empty()) return absl::OkStatus();
  check::History history = measurement->mutable_recorder()->TakeHistory();
  history.description = absl::StrCat("loadgen, seed ", options.seed, ", ", cluster.strategy);
  // REST gives a version alone; without a leader, concurrent writes may have the same.
  history.order_is_total =
      options.transport != TransportKind::kRest || cluster.strategy == "leader_follower";
  if (options.num_keys <= kNamedKeysMax) {
    for (int key = 0; key < options.num_keys; ++key) {
      history.keys.push_back(measurement->workload().KeyName(static_cast<size_t>(key)));
    }
  }
  return check::WriteHistoryFile(history, options.history);
}

int ExitCode(const Measurement& measurement) {
  if (measurement.interrupted()) return kInterrupted;
  const RunStats& stats = measurement.stats();
  if (stats.reads.ok + stats.writes.ok == 0) return kNothingMeasured;
  return measurement.verdict().judgement == Judgement::kVoid ? kVoidRun : 0;
}

void ShowAndRun(const Options& options, Measurement* measurement) {
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
  std::printf("%s\n", FormatHeader(options, cluster).c_str());
  std::fflush(stdout);

  const absl::Time started = absl::Now();
  Measurement measurement(options, &*targets, static_cast<uint64_t>(absl::ToUnixMicros(started)));
  ShowAndRun(options, &measurement);
  const int exit_code = ExitCode(measurement);
  std::printf(
      "%s\n%s\n%s", measurement.interrupted() ? "  (interrupted)\n" : "",
      FormatSummary(measurement.stats(), measurement.recorder(), measurement.workload()).c_str(),
      FormatReport(measurement.stats(), measurement.verdict()).c_str());
  std::fflush(stdout);

  absl::Status written;
  if (!options.output.empty()) {
    const FinishedRun run{options,
                          measurement.workload(),
                          cluster,
                          measurement.stats(),
                          measurement.recorder(),
                          measurement.series(),
                          measurement.verdict(),
                          exit_code,
                          command,
                          google::VersionString(),
                          absl::FormatTime(absl::RFC3339_sec, started, absl::UTCTimeZone()),
                          DescribeHost()};
    written = WriteResult(options.output, BuildResult(run));
    if (written.ok()) std::printf("\n  Results: %s\n", options.output.c_str());
  }
  const absl::Status history = WriteHistory(options, cluster, &measurement);
  for (const absl::Status& status : {written, history}) {
    if (!status.ok()) Complain(status);
  }
  if ((!written.ok() || !history.ok()) && exit_code == 0) return kNothingMeasured;
  return exit_code;
}

}  // namespace quorate::loadgen
