#include "tests/nemesis/nemesis.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

#include "node/poll_loop.h"
#include "tests/nemesis/board.h"
#include "tests/nemesis/fault_timeline.h"
#include "tests/nemesis/process_faults.h"
#include "tests/nemesis/real_cluster.h"
#include "tests/sim/sim_plan.h"

namespace quorate::nemesis {
namespace {

constexpr char kWorksAgain[] = "after healing the cluster works again";
constexpr char kEndsWell[] = "nodes end as they are asked to";

constexpr absl::Duration kTick = absl::Milliseconds(5);
constexpr absl::Duration kLook = absl::Milliseconds(100);
constexpr absl::Duration kServingBudget = absl::Seconds(60);
constexpr absl::Duration kClocksBudget = absl::Seconds(60);
// The longest time between two comparisons, with each peer in turn, and once more.
constexpr absl::Duration kAlikeBudget = absl::Seconds(160);
constexpr absl::Duration kEndBudget = absl::Seconds(15);

// What a run must have had, unless its schedule has less.
constexpr uint64_t kOperationsNeeded = 500;

class Run {
 public:
  Run(const sim::Schedule& schedule, const NemesisOptions& options)
      : options_(options), schedule_file_(options.folder + "/schedule") {
    result_.schedule = schedule;
    result_.durability = DurabilityOf(schedule.setting);
  }

  absl::StatusOr<NemesisResult> Go() {
    for (const auto step : {&Run::Prepare, &Run::StartAll, &Run::BreakThings, &Run::Heal,
                            &Run::AwaitAlike, &Run::AwaitClocks, &Run::Finish}) {
      const absl::Status status = (this->*step)();
      if (!status.ok()) return status;
    }
    Judge();
    return std::move(result_);
  }

 private:
  const sim::Schedule& schedule() const { return result_.schedule; }
  absl::Duration Now() const { return board_->Since(MonotonicNow()); }

  absl::Status Prepare() {
    if (schedule().setting.n >= static_cast<int>(Board::kNodesMax)) {
      return absl::InvalidArgumentError("too many nodes for one machine");
    }
    const absl::Status written = sim::WriteSchedule(schedule_file_, schedule());
    if (!written.ok()) return written;
    const std::string board_file = options_.folder + "/board";
    const absl::StatusOr<Board*> board = Board::Create(board_file);
    if (!board.ok()) return board.status();
    board_ = *board;
    const bool disks = options_.full_disks && result_.durability != Durability::kMemory;
    faults_ = std::make_unique<FaultTimeline>(schedule(), disks);
    RealClusterOptions cluster;
    cluster.setting = schedule().setting;
    cluster.durability = result_.durability;
    cluster.node_program = options_.node_program;
    cluster.folder = options_.folder;
    cluster.schedule_file = schedule_file_;
    cluster.board_file = board_file;
    cluster.full_disks = disks;
    cluster_ = std::make_unique<RealCluster>(cluster);
    processes_ =
        std::make_unique<ProcessFaults>(schedule(), result_.durability, *faults_, cluster_.get());
    std::vector<std::string> addresses;
    for (NodeId node = 1; node <= cluster_->size(); ++node) {
      addresses.push_back(cluster_->GrpcAddress(node));
    }
    load_ = std::make_unique<Load>(schedule(), result_.durability, addresses);
    return absl::OkStatus();
  }

  absl::Status StartAll() {
    for (NodeId node = 1; node <= cluster_->size(); ++node) {
      const absl::Status started = cluster_->Start(node);
      if (!started.ok()) return started;
    }
    options_.progress("nodes start");
    return AwaitAtRest("after the first start");
  }

  // UNAVAILABLE, naming a node, where one does not come to rest in time.
  absl::Status AwaitAtRest(const std::string& when) {
    const MonotonicTime deadline = MonotonicNow() + kServingBudget;
    for (NodeId node = 1; node <= cluster_->size();) {
      if (options_.interrupted()) return absl::CancelledError("interrupted");
      const std::optional<v1::StatusResponse> status = cluster_->Ask(node, absl::Seconds(1));
      if (cluster_->AtRest(status)) {
        processes_->OnServing(node, cluster_->life(node), Now());
        ++node;
        continue;
      }
      if (!cluster_->Up(node) || MonotonicNow() > deadline) {
        return absl::UnavailableError(
            absl::StrCat(when, " node ", node, " does not come to rest: ",
                         status.has_value()   ? absl::StrCat(status->state(), " ", status->detail())
                         : cluster_->Up(node) ? "it does not answer"
                                              : cluster_->HowItEnded(node),
                         "\n", cluster_->LogTail(node)));
      }
      absl::SleepFor(kTick);
    }
    return absl::OkStatus();
  }

  void LookForServing() {
    for (NodeId node = 1; node <= cluster_->size(); ++node) {
      if (processes_->Serves(node) || !cluster_->Up(node)) continue;
      const int life = cluster_->life(node);
      const std::optional<v1::StatusResponse> status = cluster_->Ask(node, kLook);
      if (status.has_value() && status->state() == "serving") {
        processes_->OnServing(node, life, Now());
      }
    }
  }

  absl::Status BreakThings() {
    board_->Begin(MonotonicNow());
    options_.progress(absl::StrCat("faults for ", absl::FormatDuration(schedule().heal_at)));
    load_->Start(MonotonicNow() - Now());
    absl::Duration looked;
    while (Now() < schedule().heal_at) {
      if (options_.interrupted()) return absl::CancelledError("interrupted");
      const absl::Status advanced = processes_->Advance(Now());
      if (!advanced.ok()) return advanced;
      if (Now() - looked >= kLook) {
        looked = Now();
        LookForServing();
      }
      absl::SleepFor(kTick);
    }
    return absl::OkStatus();
  }

  absl::Status Heal() {
    options_.progress("healing");
    const absl::Status healed = processes_->Heal(Now());
    if (!healed.ok()) return healed;
    load_->Finish();
    const absl::Status rest = AwaitAtRest("after healing");
    if (absl::IsUnavailable(rest)) Violated(kWorksAgain, rest.message());
    return absl::IsUnavailable(rest) ? absl::OkStatus() : rest;
  }

  void Violated(const std::string& property, absl::string_view what) {
    result_.verdict.Add(property, std::string(what));
  }

  std::vector<std::string> Keys() const {
    std::vector<std::string> keys;
    for (int key = 0; key < schedule().setting.keys; ++key) keys.push_back(KeyText(key));
    return keys;
  }

  // "" where all nodes hold the same of every key; else what differs.
  std::string Difference(const std::vector<std::string>& keys) const {
    Holding first;
    for (NodeId node = 1; node <= cluster_->size(); ++node) {
      const absl::StatusOr<Holding> held = cluster_->Held(node, keys);
      if (!held.ok()) return std::string(held.status().message());
      if (node == 1) first = *held;
      for (const auto& [key, value] : *held) {
        if (first[key] == value) continue;
        return absl::StrCat("node 1 holds ", first[key], " under a key, node ", node, " ", value);
      }
    }
    return "";
  }

  absl::Status AwaitAlike() {
    const std::vector<std::string> keys = Keys();
    while (true) {
      if (options_.interrupted()) return absl::CancelledError("interrupted");
      const std::string difference = Difference(keys);
      result_.converged_after = Now() - schedule().heal_at;
      if (difference.empty()) return absl::OkStatus();
      if (result_.converged_after > kAlikeBudget) {
        Violated("replicas converge", difference);
        return absl::OkStatus();
      }
      absl::SleepFor(kLook);
    }
  }

  // Until real time has passed what a clock that was ahead has put on writes: a coordinator whose
  // clock is behind them by too much refuses to write.
  absl::Status AwaitClocks() {
    absl::Duration ahead;
    for (const sim::Fault& fault : schedule().faults) {
      if (fault.kind == sim::FaultKind::kClockJump) ahead = std::max(ahead, fault.amount);
    }
    const absl::Duration until = schedule().heal_at + std::min(ahead, kClocksBudget);
    while (Now() < until) {
      if (options_.interrupted()) return absl::CancelledError("interrupted");
      absl::SleepFor(kTick);
    }
    return absl::OkStatus();
  }

  absl::Status Finish() {
    options_.progress("final reads and writes");
    load_->ReadAndWriteEverything();
    for (NodeId node = 1; node <= cluster_->size(); ++node) cluster_->Terminate(node);
    const MonotonicTime deadline = MonotonicNow() + kEndBudget;
    for (NodeId node = 1; node <= cluster_->size(); ++node) {
      while (cluster_->Up(node) && MonotonicNow() < deadline) absl::SleepFor(kTick);
      if (cluster_->Up(node)) {
        Violated(kEndsWell, absl::StrCat("node ", node, " did not end in time"));
        cluster_->Kill(node);
      } else if (!cluster_->EndedWell(node)) {
        Violated(kEndsWell, absl::StrCat("node ", node, ": ", cluster_->HowItEnded(node), "\n",
                                         cluster_->LogTail(node)));
      }
    }
    return absl::OkStatus();
  }

  void Judge() {
    for (const std::string& defect : processes_->defects()) {
      Violated(kEndsWell, defect);
    }
    result_.load = load_->Take();
    for (const std::string& failed : result_.load.failed_at_the_end) {
      Violated(kWorksAgain, absl::StrCat("after healing: ", failed));
    }
    result_.forgotten = processes_->forgotten();
    result_.left_out = processes_->left_out();
    result_.restarts = processes_->restarts();
    result_.faults = processes_->done();
    JudgeHistory(schedule().setting, result_.load, result_.forgotten, &result_.verdict);
    CountFaults();
    result_.void_reason = Missing();
  }

  void CountFaults() {
    for (NodeId node = 1; node <= cluster_->size(); ++node) {
      const FaultCounters& counters = board_->counters(node);
      const std::pair<const char*, const std::atomic<uint64_t>*> named[] = {
          {"batches between nodes", &counters.batches},
          {"lost by chance", &counters.lost},
          {"lost to cuts", &counters.cut},
          {"repeated", &counters.repeated},
          {"clogged", &counters.clogged},
          {"overtaken", &counters.overtaken},
          {"slow syncs", &counters.slow_syncs},
          {"failed writes", &counters.failed_writes},
          {"wrong wall times", &counters.skewed_times}};
      for (const auto& [name, counter] : named) result_.counters[name] += counter->load();
    }
  }

  std::string Missing() const {
    uint64_t completed = 0;
    for (const check::Operation& operation : result_.load.history.operations) {
      const bool final_phase = result_.load.asked[operation.session].final_phase;
      completed += operation.ok() && !final_phase ? 1 : 0;
    }
    const uint64_t needed = std::min<uint64_t>(kOperationsNeeded, schedule().operations.size() / 2);
    if (completed < needed) return "too few completed operations";
    int faults = 0;
    for (const auto& [name, count] : result_.faults) faults += count;
    if (2 * faults < static_cast<int>(schedule().faults.size())) return "too few faults";
    return result_.verdict.TooLittle();
  }

  const NemesisOptions options_;
  const std::string schedule_file_;
  NemesisResult result_;
  Board* board_ = nullptr;
  std::unique_ptr<FaultTimeline> faults_;
  std::unique_ptr<RealCluster> cluster_;
  std::unique_ptr<ProcessFaults> processes_;
  std::unique_ptr<Load> load_;  // ends before the nodes do
};

template <typename Counts>
std::string Lines(const Counts& counts) {
  std::string text;
  for (const auto& [name, count] : counts)
    absl::StrAppendFormat(&text, "  %-28s %10d\n", name, count);
  return text;
}

std::string OperationLines(const LoadResult& load) {
  const char* const kinds[] = {"read", "write", "delete"};
  const char* const outcomes[] = {"ok", "failed", "unknown outcome"};
  std::map<std::string, uint64_t> counts;
  for (const check::Operation& operation : load.history.operations) {
    ++counts[absl::StrCat(kinds[static_cast<int>(operation.kind)], ": ",
                          outcomes[static_cast<int>(operation.outcome)])];
  }
  if (load.not_issued > 0) counts["not issued"] = load.not_issued;
  return Lines(counts);
}

}  // namespace

Durability DurabilityOf(const sim::ScheduleSetting& setting) {
  if (setting.durability.has_value()) return *setting.durability;
  return sim::DrawPlan(setting.strategy, setting.seed).cluster.config.durability;
}

absl::StatusOr<NemesisResult> RunNemesis(const sim::Schedule& schedule,
                                         const NemesisOptions& options) {
  return Run(schedule, options).Go();
}

std::string Describe(const NemesisResult& result) {
  const Verdict& verdict = result.verdict;
  std::string text =
      absl::StrCat("operations:\n", OperationLines(result.load), "faults:\n", Lines(result.faults),
                   "what they came to:\n", Lines(result.counters));
  for (const std::string& one : result.left_out) absl::StrAppend(&text, "left out: ", one, "\n");
  absl::StrAppend(&text, "restarts: ", result.restarts,
                  "; nodes that may have forgotten: ", result.forgotten.size(), "; alike ",
                  absl::FormatDuration(result.converged_after),
                  " after healing\nchecked: ", verdict.reads_checked, " reads against ",
                  verdict.writes_checked, " acknowledged writes (", verdict.final_reads_checked,
                  " more after healing, ", verdict.local_reads_checked, " local ones), ",
                  verdict.linearizable_checked, " reads and writes for linearizability (",
                  verdict.linearizable_reads, " of them reads before healing), ",
                  verdict.sessions_checked, " operations of sessions, ", verdict.values_checked,
                  " values\nseen: ", verdict.writes_excused,
                  " acknowledged writes that are excused, ", verdict.stale_reads_allowed,
                  " stale reads where they are allowed\n");
  if (verdict.promise_ended != absl::InfiniteDuration()) {
    absl::StrAppend(&text, "W nodes had forgotten at ", absl::FormatDuration(verdict.promise_ended),
                    ": staleness, order and linearizability were judged until then\n");
  }
  for (const auto& [why, keys] : verdict.unclear) {
    absl::StrAppend(&text, "unclear in ", keys, " looks at a key: ", why, "\n");
  }
  for (const auto& [property, count] : verdict.conflicts) {
    absl::StrAppend(&text, "violated ", count, " times: ", property, "\n");
  }
  for (const Violation& violation : verdict.violations) {
    absl::StrAppend(&text, "  ", violation.property, ": ", violation.what, "\n");
  }
  if (!result.void_reason.empty()) absl::StrAppend(&text, "VOID: ", result.void_reason, "\n");
  return text;
}

}  // namespace quorate::nemesis
