// The node program in a world with a schedule's faults: what comes from other nodes, its disk and
// its wall clock are as the schedule says for the time since the run began; kills and pauses are
// the run's. The machine loses its power with the process: what was not synced is gone.
//
// It is told of the world by its environment: QUORATE_NEMESIS_SCHEDULE and QUORATE_NEMESIS_BOARD
// are files, QUORATE_NEMESIS_NODE is its number there, QUORATE_NEMESIS_FULL_DISKS is set where
// disks can be filled.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/random/random.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "node/node_world.h"
#include "node/poll_loop.h"
#include "node/run_node.h"
#include "replication/emulated_delays.h"
#include "tests/nemesis/board.h"
#include "tests/nemesis/fault_timeline.h"
#include "tests/nemesis/faulty_network.h"
#include "tests/sim/schedule.h"
#include "tests/sim/sim_plan.h"
#include "tests/storage/faulty_file_system.h"
#ifdef QUORATE_PLANTED_BUGS
#include "replication/storage/planted_bugs.h"
#include "tests/sim/planted_catalogue.h"
#endif

namespace quorate::nemesis {
namespace {

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Whether the rule `name` is broken from now on; empty: none is.
bool Plant(const std::string& name) {
#ifdef QUORATE_PLANTED_BUGS
  for (const sim::PlantedRule& rule : sim::PlantedRules()) {
    if (name == rule.name) planted_bug = rule.bug;
  }
  return name.empty() || planted_bug != Bug::kNone;
#else
  return name.empty();
#endif
}

// All that a node is given lives as long as the process.
struct Scene {
  sim::Schedule schedule;
  NodeId self = 0;
  bool can_fill_disks = false;
  Board* board = nullptr;
  std::unique_ptr<FaultTimeline> faults;
  absl::Duration began;  // this process, in the run's time

  absl::Duration Now() const { return board->Since(MonotonicNow()); }
  FaultCounters& counters() const { return board->counters(self); }
};

absl::StatusOr<Scene*> MakeScene() {
  auto scene = std::make_unique<Scene>();
  absl::StatusOr<sim::Schedule> schedule = sim::ReadSchedule(Variable("QUORATE_NEMESIS_SCHEDULE"));
  if (!schedule.ok()) return schedule.status();
  const absl::StatusOr<Board*> board = Board::Open(Variable("QUORATE_NEMESIS_BOARD"));
  if (!board.ok()) return board.status();
  scene->schedule = *std::move(schedule);
  scene->board = *board;
  if (!absl::SimpleAtoi(Variable("QUORATE_NEMESIS_NODE"), &scene->self)) {
    return absl::InvalidArgumentError("QUORATE_NEMESIS_NODE is no number");
  }
  scene->can_fill_disks = !Variable("QUORATE_NEMESIS_FULL_DISKS").empty();
  scene->faults = std::make_unique<FaultTimeline>(scene->schedule, scene->can_fill_disks);
  scene->began = scene->Now();
  if (!Plant(scene->schedule.setting.planted)) {
    return absl::InvalidArgumentError(
        absl::StrCat("this node keeps the rule '", scene->schedule.setting.planted,
                     "': nemesis_node_planted has those that break it"));
  }
  return scene.release();
}

NodeWorld WorldOf(const Scene* scene) {
  NodeWorld world;
  DiskFaults disk;
  disk.fails = [scene] {
    if (!scene->faults->DiskFailed(scene->self, scene->began, scene->Now())) return false;
    ++scene->counters().failed_writes;
    return true;
  };
  disk.sync_delay = [scene] {
    const absl::Duration delay = scene->faults->SyncDelay(scene->self, scene->Now());
    if (delay > absl::ZeroDuration()) ++scene->counters().slow_syncs;
    return delay;
  };
  world.storage.rocksdb.file_system = std::make_shared<FaultyFileSystem>(std::move(disk));
  absl::BitGen random;
  world.storage.boot = absl::StrCat("boot-", absl::Uniform<uint64_t>(random));

  const sim::ScheduleSetting& setting = scene->schedule.setting;
  FaultyNetworkOptions options;
  options.self = scene->self;
  options.plan = sim::DrawPlan(setting.strategy, setting.seed).cluster.network;
  options.plan.emulated = *EmulatedDelays::Parse(setting.emulate);
  // Messages overtake one another whatever the seed says of that, but for emulated links.
  options.plan.keeps_order = options.plan.emulated.any();
  options.seed = setting.inner_seed != 0 ? setting.inner_seed : setting.seed;
  world.incoming = std::make_shared<FaultyNetwork>(
      options, scene->faults.get(), [scene](MonotonicTime now) { return scene->board->Since(now); },
      &scene->counters());

  world.wall_clock = [scene] {
    const absl::Duration skew = scene->faults->ClockSkew(scene->self, scene->Now());
    if (skew != absl::ZeroDuration()) ++scene->counters().skewed_times;
    return absl::Now() + skew;
  };
  return world;
}

}  // namespace
}  // namespace quorate::nemesis

int main(int argc, char** argv) {
  const absl::StatusOr<quorate::nemesis::Scene*> scene = quorate::nemesis::MakeScene();
  if (!scene.ok()) {
    std::fprintf(stderr, "nemesis_node: %s\n", std::string(scene.status().message()).c_str());
    return 2;
  }
  return quorate::RunNode(argc, argv, quorate::nemesis::WorldOf(*scene));
}
