#include "tests/sim/sim_plan.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "replication/registry.h"
#include "tests/sim/sim_rng.h"

namespace quorate::sim {
namespace {

ClusterPlan DrawCluster(absl::string_view strategy, SimRng rng) {
  ClusterPlan plan;
  ClusterConfig& config = plan.config;
  config.cluster = "sim";
  config.strategy = std::string(strategy);
  config.quorums.n = rng.Pick(std::vector<int>{1, 2, 3, 3, 3, 4, 5, 5, 5});
  config.quorums.w = rng.Between(1, config.quorums.n);
  config.quorums.r = rng.Between(1, config.quorums.n);
  config.durability = rng.Pick(std::vector<Durability>{Durability::kMemory, Durability::kMemory,
                                                       Durability::kOs, Durability::kSynced});
  config.forward_writes = rng.Chance(80);
  // Tight limits and short times make rare paths common.
  config.max_window_bytes = rng.Pick(std::vector<size_t>{512, 4096, size_t{64} << 20});
  config.max_unacknowledged_bytes = rng.Pick(std::vector<size_t>{256, 4096, size_t{8} << 20});
  config.max_open_operations = rng.Pick(std::vector<size_t>{8, 4096, 4096});
  config.heartbeat_interval = rng.Between(absl::Milliseconds(20), absl::Milliseconds(200));
  config.peer_timeout = config.heartbeat_interval * rng.Between(3, 6);
  config.resend_interval = rng.Between(absl::Milliseconds(10), absl::Milliseconds(100));
  config.anti_entropy_interval = rng.Pick(
      std::vector<absl::Duration>{absl::Milliseconds(500), absl::Seconds(5), absl::Seconds(30)});
  config.catch_up_bytes_per_second = rng.Pick(std::vector<size_t>{0, 50000, size_t{64} << 20});
  config.background_bytes_per_second = rng.Pick(std::vector<size_t>{0, 10000, size_t{1} << 20});
  if (StrategyHasLeader(strategy)) {
    plan.leader = static_cast<NodeId>(rng.Between(1, config.quorums.n));
    plan.followers_know_n = rng.Chance(50);
  }
  plan.drain_events_max = rng.Pick(std::vector<int>{1, 4, 16, 300});
  plan.drain_delay_mean = rng.Between(absl::ZeroDuration(), absl::Microseconds(300));
  plan.clock_skew_max = rng.Chance(50) ? absl::Milliseconds(100) : absl::ZeroDuration();
  config.read_all = rng.Chance(30);
  return plan;
}

NetworkPlan DrawNetwork(SimRng rng) {
  NetworkPlan plan;
  plan.loss_per_mille = rng.Chance(50) ? rng.Between(1, 100) : 0;
  plan.repeat_per_mille = rng.Chance(50) ? rng.Between(1, 200) : 0;
  plan.keeps_order = rng.Chance(50);
  plan.notices_percent = rng.Between(0, 100);
  plan.base_min = absl::Microseconds(50);
  plan.base_max = rng.Pick(std::vector<absl::Duration>{
      absl::Microseconds(200), absl::Milliseconds(2), absl::Milliseconds(10)});
  plan.jitter_mean = plan.base_max / rng.Between(1, 4);
  return plan;
}

WorkloadPlan DrawWorkload(SimRng rng) {
  WorkloadPlan plan;
  plan.clients = rng.Between(4, 12);
  plan.keys = rng.Between(20, 24);
  plan.get_percent = rng.Between(20, 50);
  plan.delete_percent = rng.Between(0, 15);
  plan.local_read_percent = rng.Between(0, 15);
  plan.override_percent = rng.Chance(50) ? rng.Between(5, 25) : 0;
  plan.context_percent = rng.Chance(75) ? rng.Between(10, 80) : 0;
  plan.cancel_percent = rng.Chance(50) ? rng.Between(1, 5) : 0;
  // Now and then the records of the keys fill more than one page of catch-up.
  plan.value_bytes = rng.Chance(3) ? 70000 : rng.Pick(std::vector<size_t>{8, 16, 100});
  plan.think_mean = rng.Between(absl::Milliseconds(10), absl::Milliseconds(40));
  return plan;
}

FaultPlan DrawFaults(SimRng rng) {
  FaultPlan plan;
  plan.kinds.push_back(FaultKind::kCrash);
  for (const FaultKind kind :
       {FaultKind::kShutdown, FaultKind::kNewDisk, FaultKind::kPartition, FaultKind::kOneWay,
        FaultKind::kClog, FaultKind::kPause, FaultKind::kClockJump, FaultKind::kSlowDisk,
        FaultKind::kDiskFailure}) {
    if (rng.Chance(50)) plan.kinds.push_back(kind);
  }
  plan.gap_mean = rng.Between(absl::Milliseconds(150), absl::Milliseconds(500));
  plan.length_mean = rng.Between(absl::Milliseconds(50), absl::Milliseconds(600));
  plan.bounds = rng.Chance(70) ? Bounds::kKept : Bounds::kLoose;
  return plan;
}

// Limits so tight and times so short that what is rare elsewhere is usual: each in some clusters.
void DrawRareBranches(SimRng rng, ClusterPlan* plan) {
  ClusterConfig& config = plan->config;
  const auto chosen = [&rng] { return rng.Chance(15); };
  if (chosen()) config.max_clock_skew = rng.Between(absl::Milliseconds(1), absl::Milliseconds(50));
  if (chosen()) config.max_open_operations = rng.Between(3, 5);
  if (chosen()) config.max_window_bytes = rng.Between(1, 200);
}

// A leader that forgets its last writes, while one follower keeps them of which it hears late: it
// leads again once it has heard of N-W+1 others.
void DrawLateFollowers(SimRng rng, SimPlan* plan) {
  if (plan->cluster.leader == 0 || !rng.Chance(25)) return;
  ClusterConfig& config = plan->cluster.config;
  config.quorums.n = std::max(config.quorums.n, 3);
  config.quorums.w = config.quorums.n;
  config.durability = Durability::kMemory;
  FaultPlan& faults = plan->faults;
  faults.late_follower_percent = 90;
  faults.kinds = {FaultKind::kCrash};
  faults.gap_mean = rng.Between(absl::Seconds(1), absl::Seconds(2));
  faults.length_mean = rng.Between(absl::Milliseconds(50), absl::Milliseconds(200));
}

// A leader that starts twice, each time with another follower, and writes that ask for these two
// only, of few keys.
void DrawTwoStarts(SimRng rng, SimPlan* plan) {
  if (plan->cluster.leader == 0 || !rng.Chance(10)) return;
  ClusterConfig& config = plan->cluster.config;
  config.quorums = Quorums{3, 3, std::min(config.quorums.r, 3)};
  plan->cluster.leader = static_cast<NodeId>(rng.Between(1, 3));
  config.durability = Durability::kMemory;
  config.heartbeat_interval = rng.Between(absl::Milliseconds(20), absl::Milliseconds(50));
  config.peer_timeout = config.heartbeat_interval * rng.Between(3, 6);
  FaultPlan& faults = plan->faults;
  faults.late_follower_percent = 0;
  faults.two_starts_percent = 90;
  faults.kinds = {FaultKind::kCrash};
  faults.gap_mean = rng.Between(absl::Seconds(1), absl::Seconds(2));
  faults.length_mean = rng.Between(absl::Milliseconds(50), absl::Milliseconds(200));
  plan->workload.hot_percent = 80;
  plan->workload.override_percent = 50;
}

// Cuts that come and go node by node.
void DrawSwizzles(SimRng rng, FaultPlan* plan) { plan->swizzle_percent = rng.Chance(50) ? 40 : 0; }

// Damage to disks, and how often one moves its log into tables.
void DrawDisks(SimRng rng, SimPlan* plan) {
  for (const FaultKind kind : {FaultKind::kFullDisk, FaultKind::kBitFlip}) {
    if (rng.Chance(50)) plan->faults.kinds.push_back(kind);
  }
  plan->cluster.log_batches = rng.Pick(std::vector<size_t>{20, 200, SimDisk::kUnlimited});
}

// A part of the clusters is linearizable, or has reads that ask for it. There, operations meet on a
// few keys, since only then does one see what another has done.
void DrawLinearizability(SimRng rng, SimPlan* plan) {
  if (StrategyCanBeLinearizable(plan->strategy)) {
    if (!rng.Chance(35)) return;
    plan->SetWriteMode(WriteMode::kLinearizable);
  } else if (plan->seed % 4 != 3) {
    return;
  } else if (rng.Chance(75)) {
    // The promise ends where W nodes have forgotten: not at once.
    Quorums& quorums = plan->cluster.config.quorums;
    quorums.n = std::max(quorums.n, 3);
    quorums.w = std::max(quorums.w, Majority(quorums.n));
    // A leader that has forgotten a write that it showed knows it again only if a follower does.
    if (rng.Chance(50)) plan->cluster.config.durability = Durability::kMemory;
  }
  // Writes that reach few at first.
  if (rng.Chance(75)) plan->cluster.network.loss_per_mille = rng.Between(50, 200);
  // A cluster that cannot answer for most of the time shows little: in most, few kinds of faults.
  std::vector<FaultKind>& kinds = plan->faults.kinds;
  if (rng.Chance(85)) kinds.resize(1 + rng.Below(2));
  kinds.insert(kinds.end(), 2 * kinds.size(), FaultKind::kOneWay);
  plan->faults.hiccup_percent = 90;
  // More of both at a time, so that more operations meet while few replicas hold a write.
  plan->workload.think_mean = rng.Between(absl::Milliseconds(2), absl::Milliseconds(10));
  plan->faults.gap_mean = rng.Between(absl::Milliseconds(50), absl::Milliseconds(300));
  plan->faults.length_mean = rng.Between(absl::Milliseconds(50), absl::Milliseconds(400));
  plan->workload.linearizable_percent = rng.Between(10, 90);
  plan->workload.hot_percent = rng.Between(30, 80);
  // Reads that see a write on few replicas must come before the next write of its key.
  plan->workload.get_percent = rng.Between(50, 95);
}

void DrawSessions(SimRng rng, WorkloadPlan* plan) {
  if (rng.Chance(50)) plan->session_percent = rng.Between(10, 90);
}

const char* BoundsText(Bounds bounds) {
  switch (bounds) {
    case Bounds::kKept:
      return " bounds kept";
    case Bounds::kLoose:
      return "";
    case Bounds::kExceeded:
      return " bounds exceeded";
  }
  return "?";
}

void DrawRepeats(SimRng rng, WorkloadPlan* plan) {
  if (rng.Chance(60)) plan->repeat_percent = rng.Between(20, 100);
}

// Budgets for small values would have comparisons of large ones go on after the wait for rest.
void AffordComparisons(SimPlan* plan) {
  const size_t held = plan->workload.keys * plan->workload.value_bytes;
  ClusterConfig& config = plan->cluster.config;
  const auto raise = [](size_t least, size_t* rate) {
    if (*rate != 0) *rate = std::max(*rate, least);  // 0: no limit
  };
  raise(held / 2, &config.catch_up_bytes_per_second);
  raise(held / 8, &config.background_bytes_per_second);
}

}  // namespace

SimPlan DrawPlan(absl::string_view strategy, uint64_t seed) {
  SimPlan plan;
  plan.strategy = std::string(strategy);
  plan.seed = seed;
  plan.cluster = DrawCluster(strategy, SimRng::Stream(seed, "cluster plan"));
  plan.cluster.network = DrawNetwork(SimRng::Stream(seed, "network plan"));
  plan.cluster.sync_delay_mean =
      SimRng::Stream(seed, "storage plan").Between(absl::Microseconds(100), absl::Milliseconds(10));
  plan.workload = DrawWorkload(SimRng::Stream(seed, "workload plan"));
  SimRng faults = SimRng::Stream(seed, "fault plan");
  plan.faults = DrawFaults(faults.Fork(1));
  plan.fault_phase_min = faults.Between(absl::Seconds(2), absl::Seconds(5));
  DrawRareBranches(SimRng::Stream(seed, "rare branches"), &plan.cluster);
  DrawLateFollowers(SimRng::Stream(seed, "late followers"), &plan);
  DrawTwoStarts(SimRng::Stream(seed, "two starts"), &plan);
  DrawSwizzles(SimRng::Stream(seed, "swizzle plan"), &plan.faults);
  DrawDisks(SimRng::Stream(seed, "disk plan"), &plan);
  DrawLinearizability(SimRng::Stream(seed, "linearizability plan"), &plan);
  DrawSessions(SimRng::Stream(seed, "session plan"), &plan.workload);
  DrawRepeats(SimRng::Stream(seed, "repeat plan"), &plan.workload);
  AffordComparisons(&plan);
  return plan;
}

SimPlan SteadyPlan(absl::string_view strategy, uint64_t seed) {
  SimPlan plan;
  plan.strategy = std::string(strategy);
  plan.seed = seed;
  plan.scenario = kSteadyScenario;
  ClusterConfig& config = plan.cluster.config;
  config.cluster = "sim";
  config.strategy = plan.strategy;
  config.quorums = Quorums{5, 3, 3};
  if (StrategyHasLeader(strategy)) plan.cluster.leader = 1;
  plan.cluster.network.base_min = absl::Microseconds(50);
  plan.cluster.network.base_max = absl::Milliseconds(2);
  plan.cluster.network.jitter_mean = absl::Milliseconds(1);
  plan.faults.kinds = {FaultKind::kCrash, FaultKind::kPartition};
  plan.faults.gap_mean = absl::Seconds(2);
  plan.fault_phase_min = absl::Minutes(1);
  return plan;
}

void SimPlan::SetWriteMode(WriteMode mode) {
  ClusterConfig& config = cluster.config;
  config.write_mode = mode;
  if (mode == WriteMode::kPlain) return;
  config.quorums.w = config.quorums.r = Majority(config.quorums.n);
  // They are refused: a few are enough to see that.
  workload.override_percent = std::min(workload.override_percent, 2);
}

void SimPlan::Emulate(const EmulatedDelays& delays) {
  if (!delays.any()) return;
  cluster.network.emulated = delays;
  cluster.network.keeps_order = true;
  delays.WidenTimeouts(&cluster.config);
}

ScheduleSetting SimPlan::Setting() const {
  ScheduleSetting setting;
  setting.strategy = strategy;
  setting.seed = seed;
  setting.write_mode = cluster.config.write_mode;
  setting.emulate = cluster.network.emulated.spec();
  setting.n = cluster.config.quorums.n;
  setting.w = cluster.config.quorums.w;
  setting.r = cluster.config.quorums.r;
  setting.leader = cluster.leader;
  setting.loss_per_mille = cluster.network.loss_per_mille;
  setting.repeat_per_mille = cluster.network.repeat_per_mille;
  setting.keys = workload.keys;
  return setting;
}

void SimPlan::Adopt(const ScheduleSetting& setting) {
  cluster.config.write_mode = setting.write_mode;
  if (setting.durability.has_value()) cluster.config.durability = *setting.durability;
  cluster.config.quorums = Quorums{setting.n, setting.w, setting.r};
  cluster.leader = setting.leader;
  cluster.network.loss_per_mille = setting.loss_per_mille;
  cluster.network.repeat_per_mille = setting.repeat_per_mille;
  workload.keys = setting.keys;
}

std::string SimPlan::DebugString() const {
  const ClusterConfig& config = cluster.config;
  return absl::StrCat(
      strategy, " N=", config.quorums.n, " W=", config.quorums.w, " R=", config.quorums.r, " ",
      DurabilityName(config.durability),
      cluster.leader == 0 ? "" : absl::StrCat(" leader=", cluster.leader),
      config.write_mode == WriteMode::kPlain ? "" : " linearizable",
      config.read_all ? " read_all" : "", " loss=", cluster.network.loss_per_mille,
      " repeat=", cluster.network.repeat_per_mille, BoundsText(faults.bounds),
      cluster.network.emulated.any() ? absl::StrCat(" emulate=", cluster.network.emulated.spec())
                                     : "",
      " faults: ", absl::StrJoin(faults.kinds, ", ", [](std::string* out, FaultKind kind) {
        absl::StrAppend(out, FaultName(kind));
      }));
}

}  // namespace quorate::sim
