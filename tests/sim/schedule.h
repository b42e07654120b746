// Schedule: everything that happens to a cluster from outside, as data: each fault and each
// operation of a client, with its time and its parameters. A run records one; a run can be made
// from one.
//
//   const RunResult run = RunSeed({"leaderless", 42});
//   absl::StatusOr<Schedule> again = ParseSchedule(ToText(run.schedule));
//
// The text has a line for each setting and each event; doc/testing.md has the grammar. Times count
// from the start of the run.
//
// Values: thread-compatible.
#ifndef QUORATE_TESTS_SIM_SCHEDULE_H_
#define QUORATE_TESTS_SIM_SCHEDULE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "replication/cluster_config.h"
#include "replication/env.h"
#include "replication/operation.h"
#include "replication/storage/stored_state.h"
#include "replication/storage/version.h"

namespace quorate::sim {

enum class FaultKind {
  kCrash,        // a process dies and starts again later
  kShutdown,     // a process ends cleanly and starts again later
  kNewDisk,      // a machine dies and is replaced later by one with an empty disk
  kPartition,    // a group of nodes and the rest cannot reach each other
  kOneWay,       // a group of nodes cannot be heard by the rest
  kClog,         // one direction of a pair becomes slow
  kPause,        // a process stands still
  kClockJump,    // a wall clock jumps
  kSlowDisk,     // a disk syncs slowly
  kDiskFailure,  // a disk fails; the process over it is restarted later
  kFullDisk,     // a disk has no room; later it has, and the process over it is restarted
  kBitFlip,      // a stored bit flips; a process that notices is restarted later, and later still
                 // gets a new disk
};
// For people.
const char* FaultName(FaultKind kind);
// By the word that a schedule's text has for it; nullopt: there is none such.
std::optional<FaultKind> FaultKindOf(absl::string_view word);

struct Fault {
  MonotonicTime at;
  FaultKind kind = FaultKind::kCrash;
  // One for most kinds; the group of a partition, in order; of a clog, the sender and the receiver.
  std::vector<NodeId> nodes;
  absl::Duration length;  // until it is mended, or the process starts again; not for kClockJump
  absl::Duration amount;  // kClog, kSlowDisk: the delay it adds; kClockJump: how far ahead it goes

  friend bool operator==(const Fault& a, const Fault& b);
};

struct ScheduledOperation {
  MonotonicTime at;
  // Together they name the operation, and the value of a set. A client whose previous operation is
  // still open waits for its end.
  int client = 0;
  int number = 0;
  NodeId node = 0;
  OperationKind kind = OperationKind::kGet;
  int key = 0;             // by number
  size_t value_bytes = 0;  // kSet: at least, padded
  std::optional<int> w;
  std::optional<int> r;
  bool linearizable = false;  // kGet
  absl::Duration timeout = absl::Seconds(2);
  bool with_context = false;  // hands back the last context that the client saw for the key, if any
  bool with_session = false;  // the same with what its session has seen; not for kLocalRead
  std::optional<absl::Duration> cancel_after;
  // kSet, kDelete: the write has a name, and where the outcome of a try is not known, it is
  // repeated at these nodes, one after the other. Empty: the write has no name.
  std::vector<NodeId> repeats;
  // With `repeats`: the client takes a try for lost after this time. Its node, which may not have
  // seen it yet, goes on with it.
  std::optional<absl::Duration> give_up_after;

  std::string Name() const;  // "c3/7"

  friend bool operator==(const ScheduledOperation& a, const ScheduledOperation& b);
};

// What the run is about. The rest of what a cluster has (timeouts, limits, delays) is the seed's.
struct ScheduleSetting {
  std::string strategy;
  uint64_t seed = 0;
  // Decides delays, losses and what a crash keeps; 0: `seed` does.
  uint64_t inner_seed = 0;
  std::string emulate;  // EmulatedDelays::spec()
  WriteMode write_mode = WriteMode::kPlain;
  std::optional<Durability> durability;  // nullopt: the seed decides
  int n = 0;
  int w = 0;
  int r = 0;
  NodeId leader = 0;  // 0 where the strategy has none
  int loss_per_mille = 0;
  int repeat_per_mille = 0;
  int keys = 0;                      // read at the end: 0 to keys - 1
  bool expect_linearizable = false;  // see HistorySetting
  // For those who know what to expect: the rule that the replicas break on purpose
  // (PlantedRule::name), and the property that is violated.
  std::string planted;
  std::string violates;

  friend bool operator==(const ScheduleSetting& a, const ScheduleSetting& b);
};

struct Schedule {
  ScheduleSetting setting;
  MonotonicTime heal_at;                       // here faults and clients end
  std::vector<Fault> faults;                   // in order of time
  std::vector<ScheduledOperation> operations;  // in order of time

  size_t size() const { return faults.size() + operations.size(); }

  friend bool operator==(const Schedule& a, const Schedule& b);
};

// One line, without its end.
std::string ToText(const Fault& fault);
std::string ToText(const ScheduledOperation& operation);

std::string ToText(const Schedule& schedule);

// INVALID_ARGUMENT, naming the line, where `text` is no schedule or its parts do not fit each
// other.
absl::StatusOr<Schedule> ParseSchedule(absl::string_view text);

// The same from and to a file. Reading: NOT_FOUND where it cannot be read. Writing: UNAVAILABLE
// where it cannot be written.
absl::StatusOr<Schedule> ReadSchedule(const std::string& path);
absl::Status WriteSchedule(const std::string& path, const Schedule& schedule);

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_SCHEDULE_H_
