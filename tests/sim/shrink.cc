#include "tests/sim/shrink.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "replication/cluster_config.h"
#include "tests/sim/ddmin.h"
#include "tests/sim/runner.h"

namespace quorate::sim {
namespace {

// A cut that undoes the violation may have done so by its timing alone: small schedules, whose runs
// are quick, are tried with some other delays too. So is what is left of a long one when all but
// its end is cut away.
constexpr size_t kVariedSize = 40;
constexpr uint64_t kVariations = 4;
constexpr uint64_t kSuffixVariations = 60;
constexpr int kRoundsMax = 6;

bool Violates(const RunResult& run, const std::string& property) {
  const std::vector<Violation>& violations = run.report.violations;
  return std::any_of(violations.begin(), violations.end(), [&property](const Violation& violation) {
    return violation.property == property;
  });
}

template <typename T, typename Get>
std::vector<int> Distinct(const std::vector<T>& items, Get get) {
  std::set<int> distinct;
  for (const T& item : items) distinct.insert(get(item));
  return {distinct.begin(), distinct.end()};
}

// What W and R may be once one node is gone.
std::set<std::pair<int, int>> QuorumsWithOneLess(const ScheduleSetting& setting) {
  const int n = setting.n - 1;
  if (setting.write_mode == WriteMode::kLinearizable) return {{Majority(n), Majority(n)}};
  std::set<std::pair<int, int>> quorums;
  for (const int fewer_w : {0, 1}) {
    for (const int fewer_r : {0, 1}) {
      quorums.emplace(std::clamp(setting.w - fewer_w, 1, n), std::clamp(setting.r - fewer_r, 1, n));
    }
  }
  return quorums;
}

void MakePlain(ScheduledOperation* operation) {
  operation->with_context = operation->with_session = false;
  operation->repeats.clear();
  operation->give_up_after.reset();
  operation->cancel_after.reset();
  operation->w.reset();
  operation->r.reset();
}

class Shrinker {
 public:
  // Of the schedule it is known when its clients and faults begin.
  Shrinker(Schedule start, MonotonicTime begins_at, const ShrinkOptions& options)
      : options_(options), best_(std::move(start)), begins_at_(begins_at) {}

  Shrunk Go() {
    Prefix();
    Suffix();
    for (round_ = 1; round_ <= kRoundsMax && !Spent(); ++round_) {
      const Schedule before = best_;
      PlainOperations();
      Faults();
      // With fewer faults the violation may lie earlier, which is cheap to learn.
      Prefix();
      Select("clients", [](const ScheduledOperation& operation) { return operation.client; });
      Select("keys", [](const ScheduledOperation& operation) { return operation.key; });
      Operations();
      Nodes();
      Settings();
      HealEarly();
      if (best_ == before && round_ > 1) break;
    }
    return {best_, runs_};
  }

 private:
  bool Spent() const { return runs_ >= options_.runs_max; }

  // Whether `candidate` violates the property; then it is the best.
  bool Try(Schedule candidate) {
    const bool varied = round_ > 1 && candidate.size() <= kVariedSize;
    return TryVaried(std::move(candidate), varied ? kVariations : 0);
  }

  bool TryVaried(Schedule candidate, uint64_t variations) {
    const uint64_t inner_seed = candidate.setting.inner_seed;
    for (uint64_t variation = 0; variation <= variations && !Spent(); ++variation) {
      candidate.setting.inner_seed = inner_seed + variation;
      ++runs_;
      if (!Violates(RunSchedule(candidate), best_.setting.violates)) continue;
      best_ = std::move(candidate);
      return true;
    }
    return false;
  }

  void Report(const char* what) {
    std::string size = absl::StrCat(best_.faults.size(), " faults, ", best_.operations.size(),
                                    " operations, ", best_.setting.n, " nodes, healed at ",
                                    absl::ToDoubleSeconds(best_.heal_at), "s");
    if (!options_.progress || size == reported_) return;
    options_.progress(absl::StrCat(size, " (", what, ", ", runs_, " runs)"));
    reported_ = std::move(size);
  }

  // Halves the time as long as the violation lies before.
  void Prefix() {
    MonotonicTime low = begins_at_;
    for (int i = 0; i < 10 && !Spent(); ++i) {
      Schedule candidate = best_;
      const MonotonicTime cut = low + (best_.heal_at - low) / 2;
      const auto later = [cut](const auto& event) { return event.at > cut; };
      auto& faults = candidate.faults;
      faults.erase(std::remove_if(faults.begin(), faults.end(), later), faults.end());
      auto& operations = candidate.operations;
      operations.erase(std::remove_if(operations.begin(), operations.end(), later),
                       operations.end());
      candidate.heal_at = cut;
      if (!Try(std::move(candidate))) low = cut;
    }
    Report("cut");
  }

  // Cuts the beginning away, as much as can be.
  void Suffix() {
    for (int parts = 16; parts >= 2 && !Spent(); parts /= 2) {
      Schedule candidate = best_;
      const MonotonicTime cut = best_.heal_at - (best_.heal_at - begins_at_) / parts;
      const auto earlier = [cut](const auto& event) { return event.at < cut; };
      auto& faults = candidate.faults;
      faults.erase(std::remove_if(faults.begin(), faults.end(), earlier), faults.end());
      auto& operations = candidate.operations;
      operations.erase(std::remove_if(operations.begin(), operations.end(), earlier),
                       operations.end());
      if (TryVaried(std::move(candidate), kSuffixVariations)) break;
    }
    Report("beginning");
  }

  void Faults() {
    Ddmin<Fault>(best_.faults, [this](const std::vector<Fault>& some) {
      Schedule candidate = best_;
      candidate.faults = some;
      return Try(std::move(candidate));
    });
    Report("faults");
  }

  void Operations() {
    Ddmin<ScheduledOperation>(best_.operations,
                              [this](const std::vector<ScheduledOperation>& some) {
                                Schedule candidate = best_;
                                candidate.operations = some;
                                return Try(std::move(candidate));
                              });
    Report("operations");
  }

  // All operations of a client, or of a key, at a time.
  void Select(const char* what, int (*get)(const ScheduledOperation&)) {
    Ddmin<int>(Distinct(best_.operations, get), [this, get](const std::vector<int>& some) {
      Schedule candidate = best_;
      auto& operations = candidate.operations;
      operations.erase(std::remove_if(operations.begin(), operations.end(),
                                      [&](const ScheduledOperation& operation) {
                                        return std::find(some.begin(), some.end(),
                                                         get(operation)) == some.end();
                                      }),
                       operations.end());
      return Try(std::move(candidate));
    });
    Report(what);
  }

  void Nodes() {
    for (NodeId node = static_cast<NodeId>(best_.setting.n); node >= 1; --node) {
      if (best_.setting.n < 2 || node == best_.setting.leader) continue;
      const std::set<std::pair<int, int>> quorums = QuorumsWithOneLess(best_.setting);
      const Schedule before = best_;
      for (const auto& [w, r] : quorums) {
        if (Try(WithoutNode(before, node, w, r))) break;
      }
    }
    Report("nodes");
  }

  // Fewer keys to read at the end, a network that loses and repeats nothing, plainer operations.
  void Settings() {
    Schedule candidate = best_;
    std::map<int, int> keys;
    const auto key_of = [](const ScheduledOperation& operation) { return operation.key; };
    for (const int key : Distinct(best_.operations, key_of)) {
      keys.emplace(key, static_cast<int>(keys.size()));
    }
    for (ScheduledOperation& operation : candidate.operations) operation.key = keys[operation.key];
    candidate.setting.keys = std::max<int>(1, static_cast<int>(keys.size()));
    if (!(candidate == best_)) Try(candidate);
    candidate = best_;
    candidate.setting.loss_per_mille = 0;
    if (!(candidate == best_)) Try(candidate);
    candidate = best_;
    candidate.setting.repeat_per_mille = 0;
    if (!(candidate == best_)) Try(candidate);
    for (size_t i = 0; i < best_.operations.size() && !Spent(); ++i) {
      candidate = best_;
      MakePlain(&candidate.operations[i]);
      if (!(candidate == best_)) Try(candidate);
    }
    Report("settings");
  }

  void PlainOperations() {
    Schedule candidate = best_;
    for (ScheduledOperation& operation : candidate.operations) MakePlain(&operation);
    if (!(candidate == best_)) Try(std::move(candidate));
    Report("plain operations");
  }

  void HealEarly() {
    MonotonicTime last = begins_at_;
    for (const Fault& fault : best_.faults) last = std::max(last, fault.at);
    for (const ScheduledOperation& operation : best_.operations)
      last = std::max(last, operation.at);
    for (const absl::Duration after :
         {absl::Milliseconds(10), absl::Milliseconds(100), absl::Seconds(1)}) {
      if (last + after >= best_.heal_at) return;
      Schedule candidate = best_;
      candidate.heal_at = last + after;
      if (Try(candidate)) return Report("healing");
    }
  }

  const ShrinkOptions options_;
  Schedule best_;
  const MonotonicTime begins_at_;
  int runs_ = 1;
  std::string reported_;
  int round_ = 0;
};

}  // namespace

Schedule WithoutNode(const Schedule& schedule, NodeId gone, int w, int r) {
  Schedule less = schedule;
  ScheduleSetting& setting = less.setting;
  --setting.n;
  setting.w = w;
  setting.r = r;
  const auto moved = [gone](NodeId node) { return node > gone ? node - 1 : node; };
  setting.leader = moved(setting.leader);
  less.faults.clear();
  for (Fault fault : schedule.faults) {
    const bool group = fault.kind == FaultKind::kPartition || fault.kind == FaultKind::kOneWay;
    const auto hit = std::find(fault.nodes.begin(), fault.nodes.end(), gone);
    if (hit != fault.nodes.end() && !group) continue;
    if (hit != fault.nodes.end()) fault.nodes.erase(hit);
    if (group && (fault.nodes.empty() || fault.nodes.size() >= static_cast<size_t>(setting.n))) {
      continue;
    }
    for (NodeId& node : fault.nodes) node = moved(node);
    less.faults.push_back(std::move(fault));
  }
  for (ScheduledOperation& operation : less.operations) {
    operation.node =
        operation.node == gone ? 1 + gone % static_cast<NodeId>(setting.n) : moved(operation.node);
    auto& repeats = operation.repeats;
    repeats.erase(std::remove(repeats.begin(), repeats.end(), gone), repeats.end());
    std::transform(repeats.begin(), repeats.end(), repeats.begin(), moved);
    if (repeats.empty()) operation.give_up_after.reset();
    if (operation.w.has_value()) operation.w = std::min(*operation.w, setting.n);
    if (operation.r.has_value()) operation.r = std::min(*operation.r, setting.n);
  }
  return less;
}

absl::StatusOr<Shrunk> Shrink(const Schedule& schedule, const ShrinkOptions& options) {
  Schedule start = schedule;
  if (!options.property.empty()) start.setting.violates = options.property;
  const RunResult run = RunSchedule(start);
  if (run.report.violations.empty()) {
    return absl::FailedPreconditionError("the run violates nothing: there is nothing to shrink");
  }
  std::string& property = start.setting.violates;
  if (property.empty()) property = run.report.violations[0].property;
  if (!Violates(run, property)) {
    return absl::FailedPreconditionError(absl::StrCat("the run does not violate '", property,
                                                      "', but '", run.report.violations[0].property,
                                                      "'"));
  }
  if (start.setting.inner_seed == 0) start.setting.inner_seed = start.setting.seed;
  return Shrinker(std::move(start), run.begun_at, options).Go();
}

}  // namespace quorate::sim
