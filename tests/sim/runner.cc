#include "tests/sim/runner.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"

#include "replication/registry.h"
#include "tests/sim/promises.h"

namespace quorate::sim {
namespace {

// Virtual time allowed. The longest anti-entropy interval, for each peer in turn, fits the budget
// for rest twice.
constexpr absl::Duration kServingBudget = absl::Seconds(20);
constexpr absl::Duration kFaultPhaseMax = absl::Seconds(240);
constexpr absl::Duration kRestBudget = absl::Minutes(4);
// A wall clock that had jumped ahead may have left timestamps ahead of all clocks; until these have
// caught up, coordinators refuse writes, as they should (doc/semantics.md 36).
constexpr absl::Duration kClocksCatchUp = absl::Seconds(3);
constexpr absl::Duration kFinalBudget = absl::Seconds(30);
constexpr absl::Duration kPollInterval = absl::Milliseconds(50);
constexpr absl::Duration kFinalTimeout = absl::Seconds(5);

constexpr int kFinalClient = -1;
constexpr size_t kViolationsShown = 10;

SimPlan PlanOf(const RunOptions& options, const Schedule* replayed) {
  SimPlan plan = options.steady ? SteadyPlan(options.strategy, options.seed)
                                : DrawPlan(options.strategy, options.seed);
  if (options.write_mode.has_value() && StrategyCanBeLinearizable(options.strategy))
    plan.SetWriteMode(*options.write_mode);
  if (options.exceed_bounds) plan.ExceedBounds();
  plan.Emulate(options.emulated);
  if (replayed != nullptr) plan.Adopt(replayed->setting);
  return plan;
}

class Run {
 public:
  // `replayed` may be null, and must outlive the run. `options` agree with it.
  Run(const RunOptions& options, const Schedule* replayed)
      : plan_(PlanOf(options, replayed)),
        replayed_(replayed),
        until_(options.until),
        inner_seed_(replayed != nullptr && replayed->setting.inner_seed != 0
                        ? replayed->setting.inner_seed
                        : options.seed),
        trace_(options.full_log, options.messages),
        queue_(SimRng::Stream(inner_seed_, "ties")),
        history_(std::make_shared<History>(HistorySetting{
            options.strategy, plan_.cluster.config.quorums, plan_.cluster.config.durability,
            options.expect_linearizable, PromisesOf(plan_.cluster.config)})),
        cluster_(plan_.cluster, inner_seed_, &queue_, history_.get(), &trace_),
        workload_(plan_.workload, history_->promise(), SimRng::Stream(options.seed, "workload"),
                  &queue_, &cluster_),
        faults_(plan_.faults, SimRng::Stream(options.seed, "faults"), &queue_, &cluster_),
        final_rng_(SimRng::Stream(options.seed, "final")) {}

  RunResult Go() {
    StartAll();
    BreakThings();
    if (!Cut() && Heal()) FinalPhase();
    for (NodeId node = 1; node <= Nodes(); ++node) {
      history_->SetFinalContents(node, cluster_.disk(node).Contents());
    }
    return Result();
  }

 private:
  NodeId Nodes() const { return static_cast<NodeId>(cluster_.size()); }

  // Whether the run is to stop here.
  bool Cut() const { return queue_.Now() >= until_; }

  // Asks often, but not after every event.
  bool PollUntil(const std::function<bool()>& done, absl::Duration budget) {
    const MonotonicTime deadline = queue_.Now() + budget;
    while (!done()) {
      if (queue_.Now() >= deadline || Cut()) return false;
      queue_.RunUntil([] { return false; }, std::min(queue_.Now() + kPollInterval, until_));
    }
    return true;
  }

  void StartAll() {
    for (NodeId node = 1; node <= Nodes(); ++node) {
      queue_.After(final_rng_.Exponential(absl::Milliseconds(20)),
                   [this, node] { cluster_.Start(node); });
    }
    const bool serving = PollUntil(
        [this] {
          for (NodeId node = 1; node <= Nodes(); ++node) {
            if (!cluster_.Serving(node)) return false;
          }
          return true;
        },
        kServingBudget);
    if (!serving && !Cut() && history_->promise().keeps_acknowledged_writes) {
      history_->Stalled("after the first start not all nodes came to serve");
    }
  }

  std::string Missing() const {
    if (workload_.completed() < kOperationsNeeded) return "too few completed operations";
    if (workload_.keys_completed() < kKeysNeeded) return "too few keys";
    if (faults_.total() < kFaultsNeeded) return "too few faults";
    if (faults_.restarts() < kRestartsNeeded) return "no restart";
    return "";
  }

  void BreakThings() {
    begun_at_ = queue_.Now();
    if (replayed_ != nullptr) {
      workload_.Replay(replayed_->operations);
      faults_.Replay(replayed_->faults);
      queue_.RunUntil([] { return false; }, std::min(replayed_->heal_at, until_));
      workload_.Stop();
      faults_.Stop();
      return;
    }
    workload_.SetOnAnswer(
        [this](const HistoryOperation& operation) { faults_.Answered(operation); });
    workload_.Start();
    faults_.Start();
    const MonotonicTime earliest = queue_.Now() + plan_.fault_phase_min;
    PollUntil(
        [&] {
          return workload_.history_bytes() > kHistoryBytesMax ||
                 (queue_.Now() >= earliest && Missing().empty());
        },
        kFaultPhaseMax);
    void_reason_ = Missing();
    workload_.Stop();
    faults_.Stop();
  }

  // Whether the cluster came to rest.
  bool Heal() {
    healed_at_ = queue_.Now();
    cluster_.Heal();
    PollUntil([] { return false; }, kClocksCatchUp);
    const bool must_converge = history_->promise().converges;
    if (PollUntil([&] { return AtRest(must_converge); }, kRestBudget)) return true;
    if (Cut()) return false;
    if (AtRest(/*alike=*/false)) {
      // The reads and writes that come now repair what they meet, and would hide it.
      history_->Stalled(
          "after healing the cluster came to rest, but its nodes hold different records");
      return true;
    }
    std::string why = "after healing the cluster did not come to rest:";
    for (NodeId node = 1; node <= Nodes(); ++node) {
      if (cluster_.AtRest(node)) continue;
      const Replica& replica = *cluster_.replica(node);
      absl::StrAppend(&why, " node ", node, " reaches ", replica.ConnectedPeers().size(),
                      " peers, has ", replica.open_operations(), " operations open, says '",
                      replica.Status().detail, "';");
    }
    history_->Stalled(why);
    return false;
  }

  bool AtRest(bool alike) {
    for (NodeId node = 1; node <= Nodes(); ++node) {
      if (!cluster_.AtRest(node)) return false;
    }
    return !alike || Alike();
  }

  bool Alike() {
    uint64_t applied = 0;
    for (NodeId node = 1; node <= Nodes(); ++node) applied += cluster_.disk(node).applied();
    if (applied == differed_at_) return false;
    const WriteBatch first = cluster_.disk(1).Contents();
    for (NodeId node = 2; node <= Nodes(); ++node) {
      if (cluster_.disk(node).Contents() == first) continue;
      differed_at_ = applied;
      return false;
    }
    return true;
  }

  void Final(NodeId node, Operation asked) {
    HistoryOperation operation;
    operation.client = kFinalClient;
    operation.final_phase = true;
    asked.timeout = kFinalTimeout;
    operation.operation = std::move(asked);
    ++final_open_;
    cluster_.Submit(node, std::move(operation), [this](size_t) { --final_open_; });
  }

  void AwaitFinal() {
    PollUntil([this] { return final_open_ == 0; }, kFinalBudget);
  }

  // Reads everything from every node and through all nodes; then writes through every node to all
  // nodes, and reads that back.
  void FinalPhase() {
    // A linearizable cluster chooses for itself.
    const bool plain = plan_.cluster.config.write_mode == WriteMode::kPlain;
    const auto quorum = [plain](int size) {
      return plain ? std::optional<int>(size) : std::nullopt;
    };
    const bool can_be_linearizable = history_->promise().linearizable_on_request;
    const int n = cluster_.size();
    for (int number = 0; number < workload_.plan().keys; ++number) {
      Operation read;
      read.key = Workload::KeyName(number);
      read.kind = OperationKind::kLocalRead;
      for (NodeId node = 1; node <= Nodes(); ++node) Final(node, read);
      read.kind = OperationKind::kGet;
      read.r = quorum(n);
      Final(1 + static_cast<NodeId>(final_rng_.Below(Nodes())), read);
      AwaitFinal();
      read.r = std::nullopt;
      read.linearizable = can_be_linearizable;
      Final(1 + static_cast<NodeId>(final_rng_.Below(Nodes())), read);
      AwaitFinal();
    }
    const bool only_leader = cluster_.leader() != 0 && !plan_.cluster.config.forward_writes;
    for (NodeId node = 1; node <= Nodes(); ++node) {
      Operation write;
      write.kind = OperationKind::kSet;
      write.key = Workload::KeyName(
          static_cast<int>(final_rng_.Below(std::min(kKeysNeeded, plan_.workload.keys))));
      write.value = absl::StrCat("final/", node);
      write.w = quorum(n);
      Final(only_leader ? cluster_.leader() : node, write);
      AwaitFinal();
      Operation read;
      read.key = write.key;
      read.r = quorum(1);
      Final(1 + static_cast<NodeId>(final_rng_.Below(Nodes())), read);
      AwaitFinal();
    }
  }

  Schedule Recorded() const {
    Schedule schedule;
    schedule.setting = plan_.Setting();
    schedule.setting.inner_seed = inner_seed_;
    schedule.setting.expect_linearizable = history_->setting().expect_linearizable;
    schedule.heal_at = healed_at_;
    schedule.faults = faults_.faults();
    schedule.operations = workload_.operations();
    return schedule;
  }

  RunResult Result() {
    RunResult result;
    result.plan = plan_;
    result.schedule = replayed_ != nullptr ? *replayed_ : Recorded();
    result.begun_at = begun_at_;
    result.healed_at = healed_at_;
    result.whole = !Cut();
    result.void_reason = void_reason_;
    result.trace_hash = trace_.hash();
    result.completed = workload_.completed();
    result.restarts = faults_.restarts();
    result.faults = faults_.counts();
    result.network = cluster_.network().counters();
    result.swizzles = faults_.swizzles();
    result.observed = cluster_.Observed();
    result.virtual_time = queue_.Now();
    if (result.whole) result.report = CheckAll(*history_);
    result.history = history_;
    return result;
  }

  const SimPlan plan_;
  const Schedule* const replayed_;  // null: the seed draws
  const MonotonicTime until_;
  const uint64_t inner_seed_;
  Trace trace_;
  EventQueue queue_;
  std::shared_ptr<History> history_;
  SimCluster cluster_;
  Workload workload_;
  FaultInjector faults_;
  SimRng final_rng_;
  std::string void_reason_;
  MonotonicTime begun_at_;
  MonotonicTime healed_at_;
  int final_open_ = 0;
  std::optional<uint64_t> differed_at_;  // batches applied when the stores differed last
};

}  // namespace

RunResult RunSeed(const RunOptions& options) { return Run(options, nullptr).Go(); }

RunResult RunSchedule(const Schedule& schedule, const RunOptions& options) {
  const absl::StatusOr<EmulatedDelays> emulated = EmulatedDelays::Parse(schedule.setting.emulate);
  CHECK(emulated.ok()) << emulated.status();
  RunOptions own = options;
  own.strategy = schedule.setting.strategy;
  own.seed = schedule.setting.seed;
  own.emulated = *emulated;
  own.expect_linearizable = schedule.setting.expect_linearizable;
  return Run(own, &schedule).Go();
}

const char* SimTarget(const RunResult& run) {
  return run.schedule.setting.planted.empty() ? "//tests/sim:sim" : "//tests/sim:sim_planted";
}

std::string RerunCommand(const RunResult& run) {
  const ScheduleSetting& setting = run.schedule.setting;
  std::string command = absl::StrCat("bazel run ", SimTarget(run), " --");
  if (!setting.planted.empty()) absl::StrAppend(&command, " --plant=", setting.planted);
  absl::StrAppend(&command, " --strategy=", setting.strategy, " --seed=", setting.seed);
  if (!setting.emulate.empty()) absl::StrAppend(&command, " --emulate=", setting.emulate);
  if (StrategyCanBeLinearizable(setting.strategy)) {
    absl::StrAppend(&command, " --write_mode=", WriteModeName(setting.write_mode));
  }
  if (setting.expect_linearizable) absl::StrAppend(&command, " --expect=linearizable");
  if (!run.plan.scenario.empty()) absl::StrAppend(&command, " --scenario=", run.plan.scenario);
  if (run.plan.faults.bounds == Bounds::kExceeded) absl::StrAppend(&command, " --exceed_bounds");
  return command;
}

std::string DescribeViolations(const RunResult& run) {
  const std::vector<Violation>& violations = run.report.violations;
  std::string text;
  for (size_t i = 0; i < violations.size() && i < kViolationsShown; ++i) {
    absl::StrAppend(&text, "  violated: ", violations[i].property, ": ", violations[i].what, "\n");
    for (const size_t operation : violations[i].operations) {
      absl::StrAppend(&text, "    ", run.history->Describe(operation), "\n");
    }
  }
  if (violations.size() > kViolationsShown) {
    absl::StrAppend(&text, "  and ", violations.size() - kViolationsShown, " more\n");
  }
  return text;
}

std::string DescribeFailure(const RunResult& run) {
  const std::string command = RerunCommand(run);
  return absl::StrCat("seed ", run.plan.seed, ": ", run.plan.DebugString(), "\n",
                      DescribeViolations(run), "run it again: ", command,
                      " --log=full\nmake it small: ", command, " --shrink\n");
}

}  // namespace quorate::sim
