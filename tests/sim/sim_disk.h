// SimDisk: a storage engine that keeps apart what was synced, so that a crash can forget the rest.
//
// It outlives the replicas over it, as a disk outlives processes. Where the durability is kMemory
// there is nothing to keep: a crash forgets everything. Elsewhere the loss of power keeps a drawn
// prefix of what was not synced, as a log-structured engine does.
//
// Not thread-safe: the simulator has one thread.
#ifndef QUORATE_TESTS_SIM_SIM_DISK_H_
#define QUORATE_TESTS_SIM_SIM_DISK_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "replication/cluster_config.h"
#include "replication/storage/memory_engine.h"
#include "replication/storage/storage_engine.h"
#include "tests/sim/sim_rng.h"

namespace quorate::sim {

class SimDisk : public StorageEngine {
 public:
  // Told of every batch when a crash can no longer forget it, or when it becomes visible.
  using Observer = std::function<void(const WriteBatch&)>;

  explicit SimDisk(Durability durability) : durability_(durability) {}

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
  // The process over it has been told.
  bool failed() const { return failed_; }

  // The process over this disk is gone; the machine has lost its power, or has not.
  void Crash(bool power_lost, SimRng* rng);

  // There is a new disk in the place of this one.
  void Replace();

  // All records that are visible, in key order, without the replica's state.
  WriteBatch Contents();

 private:
  absl::Status Broken();
  void MoveToSynced(const WriteBatch& batch);

  const Durability durability_;
  Observer on_applied_;
  Observer on_synced_;
  MemoryEngine visible_;
  MemoryEngine synced_;              // not for kMemory
  std::deque<WriteBatch> unsynced_;  // not for kMemory: the batches after the first synced_through_
  uint64_t applied_ = 0;
  uint64_t synced_through_ = 0;
  bool failing_ = false;
  bool failed_ = false;
};

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_SIM_DISK_H_
