// ReplicaStore: versioned records over a storage engine.
//
// The only way to change a record is to merge into it, so nothing here can make a key go back in
// time, whatever arrives late, twice or out of order. Merged records wait in one batch until
// Commit; reads see them at once.
//
// Not thread-safe: runs on the strand. The engine must outlive the store.
#ifndef QUORATE_REPLICATION_STORAGE_REPLICA_STORE_H_
#define QUORATE_REPLICATION_STORAGE_REPLICA_STORE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "replication/storage/record.h"
#include "replication/storage/storage_engine.h"
#include "replication/storage/stored_state.h"

namespace quorate {

struct MergeOutcome {
  bool changed = false;      // the store did not hold all of it before
  bool conflicting = false;  // there are values beside one another now
  // The record as it is stored now, where it has changed; else empty. Valid until the next call
  // that is not const.
  absl::string_view encoded;
};

struct ScannedRecord {
  std::string key;
  Version version;
  std::string encoded;  // the whole record, not looked at beyond its version
};

struct RecordPage {
  std::vector<ScannedRecord> records;  // in key order
  bool done = false;                   // nothing follows the last record
};

class ReplicaStore {
 public:
  // `state`: what BeginLife has returned for the engine.
  ReplicaStore(StorageEngine* engine, StoredState state);

  // The record under `key` (a tombstone too); nullopt where the key was never written. DATA_LOSS
  // where the engine returns what is no record.
  absl::StatusOr<std::optional<Record>> Get(absl::string_view key) const;

  // Joins `record` into what the store holds. INVALID_ARGUMENT, without effect, where the key is
  // empty, the store holds the other kind of version, the result would exceed what a version may
  // hold, or no value would be left, since both cannot come from one history; any other error means
  // that the engine has failed.
  absl::StatusOr<MergeOutcome> Merge(absl::string_view key, Record record);

  // The records that follow `after` (all where nullopt), at most a page. Commits first. DATA_LOSS
  // where the engine returns what has no version.
  absl::StatusOr<RecordPage> Scan(const std::optional<std::string>& after,
                                  const ScanLimits& limits);

  // What the replica keeps beside its records. A change is stored by the next Commit, together with
  // what was merged before; not at all where the durability is kMemory.
  const StoredState& state() const { return state_; }
  void SetState(StoredState state);

  // Applies what was merged since the last Commit, unsynced.
  absl::Status Commit();

  // Whether `key` was merged into since the last Commit.
  bool IsPending(absl::string_view key) const {
    return !pending_.empty() && pending_.contains(key);
  }

  // Bytes merged or set and not yet committed.
  size_t pending_bytes() const { return pending_bytes_; }

  // Counts the batches applied so far: grows exactly when there is something new to sync.
  uint64_t applied_batches() const { return applied_batches_; }

#ifdef QUORATE_PLANTED_BUGS
  // Breaks the promise above, for the test variant alone.
  void OverwriteForTest(absl::string_view key, const Record& record);
#endif

 private:
  absl::StatusOr<std::optional<Version>> GetVersion(absl::string_view key) const;

  struct Pending {
    Record record;
    std::string bytes;
  };

  StorageEngine* const engine_;
  const bool keeps_state_;
  StoredState state_;
  std::optional<std::string> pending_state_;
  absl::btree_map<std::string, Pending> pending_;
  size_t pending_bytes_ = 0;
  uint64_t applied_batches_ = 0;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_STORAGE_REPLICA_STORE_H_
