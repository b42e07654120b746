// SimDisk: a storage engine that keeps apart what was synced, so that a crash can forget the rest,
// and whose medium can fail, run full and decay.
//
// It outlives the replicas over it, as a disk outlives processes. Where the durability is kMemory
// there is nothing to keep: a crash forgets everything. Elsewhere it behaves as RocksDbEngine does:
// batches go to a log, each with a checksum, and from a full log or at the end of a process into
// tables, whose records have checksums too.
//   * The loss of power keeps a drawn prefix of what was not synced. The batch behind it may have
//     been written in part: its checksum shows that, and it is dropped like the rest.
//   * A flipped bit in the log takes away all that follows it when the process ends: the next one
//     is told (has_lost). One in a table makes reading its record an error.
//   * A sync that fails may have lost for good what it was to sync. The next process is told too.
//
// Not thread-safe: the simulator has one thread.
#ifndef QUORATE_TESTS_SIM_SIM_DISK_H_
#define QUORATE_TESTS_SIM_SIM_DISK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "replication/cluster_config.h"
#include "replication/storage/memory_engine.h"
#include "replication/storage/storage_engine.h"
#include "tests/sim/sim_rng.h"

namespace quorate::sim {

// How often which damage was noticed.
struct DiskCounters {
  uint64_t torn_batches = 0;    // dropped at the end of a log
  uint64_t cut_logs = 0;        // at a batch whose checksum was wrong
  uint64_t damaged_reads = 0;   // refused, since a record's checksum was wrong
  uint64_t refused_writes = 0;  // since there was no room
  uint64_t failed_syncs = 0;
};

class SimDisk : public StorageEngine {
 public:
  // Told of every batch when a crash can no longer forget it, or when it becomes visible.
  using Observer = std::function<void(const WriteBatch&)>;

  static constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();

  // A log of `log_batches` goes into tables.
  explicit SimDisk(Durability durability, size_t log_batches = kUnlimited)
      : durability_(durability), log_batches_(log_batches) {}

  void SetObservers(Observer applied, Observer synced);

  absl::StatusOr<std::optional<std::string>> Get(absl::string_view key) override;
  absl::Status Apply(const WriteBatch& batch) override;
  absl::StatusOr<ScanPage> Scan(const std::optional<std::string>& after,
                                const ScanLimits& limits) override;
  absl::Status Sync() override { return SyncThrough(applied_); }

  // Batches applied so far, in all lives.
  uint64_t applied() const { return applied_; }

  // Makes the first `applied` batches survive. An error once the disk has failed.
  absl::Status SyncThrough(uint64_t applied);

  // The next Apply stores a part of its batch and fails, and so does everything until the crash.
  void Fail() { failing_ = true; }
  bool failing() const { return failing_; }
  // The process over it has been told that something is wrong.
  bool failed() const { return failed_; }

  // Until MakeRoom nothing more can be stored: the next Apply fails, and after it every other one
  // and every sync until the crash.
  void FillUp() { full_ = true; }
  void MakeRoom() { full_ = false; }
  bool full() const { return full_; }

  // Flips a bit, in the log or in a record of a table. Without effect where nothing is stored. The
  // replica's own state is spared: a node that cannot read it never starts again, which is the same
  // as the loss of its disk.
  void FlipBit(SimRng* rng);
  // A record in a table cannot be read, as nobody may have noticed yet.
  bool damaged() const { return !damaged_.empty(); }
  // Something is wrong with the disk.
  bool troubled() const { return failing_ || full_ || damaged() || damaged_batch_.has_value(); }

  // As RocksDbEngine: whether more was lost than a crash may take, until that is noted.
  bool has_lost() const { return has_lost_; }
  void NoteLoss() { has_lost_ = false; }

  // The process over this disk is gone; the machine has lost its power, or has not. What is left is
  // what the next process finds.
  void Crash(bool power_lost, SimRng* rng);

  // There is a new disk in the place of this one.
  void Replace();

  // All records that were stored and are visible, in key order, without the replica's state. The
  // damage that reading them would meet is not in it.
  WriteBatch Contents();
  bool empty() { return Contents().empty(); }

  const DiskCounters& counters() const { return counters_; }

 private:
  absl::Status Broken();
  absl::Status NoRoom();
  absl::Status Damaged();
  // How much of the log survives, and what a checksum finds in it.
  size_t EndOfLog(bool loses_unsynced, SimRng* rng);
  void TearBatch(size_t place, SimRng* rng);
  // From the log, all of it, into tables.
  void CompactLog();
  void NoteSynced(size_t log_size);

  const Durability durability_;
  const size_t log_batches_;
  Observer on_applied_;
  Observer on_synced_;
  MemoryEngine visible_;
  // What follows is not for kMemory.
  MemoryEngine tables_;
  std::deque<WriteBatch> log_;                  // over the tables
  size_t log_synced_ = 0;                       // so many of its batches
  std::map<std::string, std::string> damaged_;  // the records as they are in the tables now
  std::optional<size_t> damaged_batch_;         // place in the log
  uint64_t applied_ = 0;
  bool failing_ = false;
  bool full_ = false;
  bool failed_ = false;
  bool sync_failed_ = false;
  bool has_lost_ = false;
  DiskCounters counters_;
};

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_SIM_DISK_H_
