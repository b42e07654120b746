#include "tests/nemesis/series.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

#include "loadgen/check/history.h"
#include "tests/sim/history.h"

namespace quorate::nemesis {
namespace {

struct Second {
  uint64_t ok = 0;
  uint64_t failed = 0;
  uint64_t unknown = 0;
  std::vector<double> latencies;  // of those that were answered
};

// The smallest latency that at most the share 1 - p of all exceed, in seconds.
double Percentile(std::vector<double>* sorted, double p) {
  const size_t rank = static_cast<size_t>(std::ceil(p * static_cast<double>(sorted->size())));
  return (*sorted)[std::max<size_t>(rank, 1) - 1];
}

// By the second in which an operation ended, or, where it never did, began.
std::vector<Second> SecondsOf(const std::vector<Sample>& samples, absl::Duration length) {
  const size_t count = static_cast<size_t>(std::max(1.0, std::ceil(absl::ToDoubleSeconds(length))));
  std::vector<Second> seconds(count);
  for (const Sample& sample : samples) {
    const bool ended = sample.end != absl::InfiniteDuration();
    const double at = absl::ToDoubleSeconds(ended ? sample.end : sample.start);
    if (at < 0 || at >= static_cast<double>(count)) continue;
    Second& second = seconds[static_cast<size_t>(at)];
    ++(sample.ok ? second.ok : sample.unknown ? second.unknown : second.failed);
    if (sample.ok) second.latencies.push_back(absl::ToDoubleSeconds(sample.end - sample.start));
  }
  return seconds;
}

nlohmann::json FaultAsJson(const sim::Fault& fault) {
  nlohmann::json json;
  json["kind"] = sim::FaultName(fault.kind);
  json["nodes"] = fault.nodes;
  json["start"] = absl::ToDoubleSeconds(fault.at);
  json["end"] = absl::ToDoubleSeconds(fault.at + fault.length);
  json["amount"] = absl::ToDoubleSeconds(fault.amount);
  return json;
}

}  // namespace

WorldSeries SeriesOf(const NemesisResult& run) {
  WorldSeries series;
  series.world = "real processes";
  series.verdict = !run.verdict.violations.empty() ? "violated"
                   : run.void_reason.empty()       ? "passed"
                                                   : "void";
  for (const check::Operation& operation : run.load.history.operations) {
    if (run.load.asked[operation.session].final_phase) continue;
    Sample sample;
    sample.start = absl::Nanoseconds(operation.start);
    sample.end = operation.end == check::kNever ? absl::InfiniteDuration()
                                                : absl::Nanoseconds(operation.end);
    sample.ok = operation.ok();
    sample.unknown = operation.outcome == check::Outcome::kUnknown;
    series.samples.push_back(sample);
  }
  return series;
}

WorldSeries SeriesOf(const sim::RunResult& run) {
  WorldSeries series;
  series.world = "simulator";
  series.verdict = !run.report.violations.empty() ? "violated" : run.valid() ? "passed" : "void";
  for (const sim::HistoryOperation& operation : run.history->operations()) {
    if (operation.final_phase) continue;
    Sample sample;
    sample.start = operation.called_at;
    const bool ended = operation.outcome == sim::Outcome::kEnded;
    sample.end = ended ? operation.ended_at : absl::InfiniteDuration();
    sample.ok = operation.ok();
    const bool lost = operation.outcome == sim::Outcome::kOpen ||
                      operation.outcome == sim::Outcome::kConnectionLost;
    sample.unknown = operation.operation.is_write() &&
                     (lost || (ended && !sample.ok && operation.result.may_have_applied));
    series.samples.push_back(sample);
  }
  return series;
}

std::string SeriesAsJson(const sim::Schedule& schedule, Durability durability,
                         const std::vector<WorldSeries>& worlds) {
  const sim::ScheduleSetting& setting = schedule.setting;
  nlohmann::json json;
  json["schema"] = "quorate.nemesis/1";
  json["strategy"] = setting.strategy;
  json["write_mode"] = WriteModeName(setting.write_mode);
  json["durability"] = DurabilityName(durability);
  json["n"] = setting.n;
  json["w"] = setting.w;
  json["r"] = setting.r;
  json["leader"] = setting.leader;
  json["seed"] = setting.seed;
  json["length"] = absl::ToDoubleSeconds(schedule.heal_at);
  json["faults"] = nlohmann::json::array();
  for (const sim::Fault& fault : schedule.faults) json["faults"].push_back(FaultAsJson(fault));
  json["worlds"] = nlohmann::json::array();
  for (const WorldSeries& world : worlds) {
    nlohmann::json& one = json["worlds"].emplace_back();
    one["world"] = world.world;
    one["verdict"] = world.verdict;
    one["seconds"] = nlohmann::json::array();
    for (Second& second : SecondsOf(world.samples, schedule.heal_at)) {
      nlohmann::json& entry = one["seconds"].emplace_back();
      entry["ok"] = second.ok;
      entry["failed"] = second.failed;
      entry["unknown"] = second.unknown;
      std::sort(second.latencies.begin(), second.latencies.end());
      for (const auto& [name, p] : {std::pair<const char*, double>{"p50", 0.5}, {"p99", 0.99}}) {
        entry[name] = nullptr;
        if (!second.latencies.empty()) entry[name] = Percentile(&second.latencies, p);
      }
    }
  }
  return json.dump(1) + "\n";
}

}  // namespace quorate::nemesis
