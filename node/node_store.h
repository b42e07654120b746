// NodeStore: what a node keeps: its storage engine, the state of its lives, and the thread that
// waits for the disk.
//
// The strand applies without waiting and asks for a sync; the thread syncs, one sync at a time, and
// tells. What was asked for while one ran shares the next.
#ifndef QUORATE_NODE_NODE_STORE_H_
#define QUORATE_NODE_NODE_STORE_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "node/node_config.h"
#include "replication/env.h"
#include "replication/storage/rocksdb_engine.h"
#include "replication/storage/storage_engine.h"
#include "replication/storage/stored_state.h"
#include "support/mutex.h"

namespace quorate {

// What tests put under a node in place of the real thing.
struct NodeStorage {
  RocksDbOptions rocksdb;
  std::string boot;  // names the start of the machine; empty: the system's own word
};

class NodeStore {
 public:
  // Called on the sync thread: all that was applied before `ticket` was asked for is durable; or,
  // on an error, never will be.
  using Synced = std::function<void(SyncTicket ticket, const absl::Status& status)>;

  // Opens the store that the configuration names, and begins a life of the node in it. The errors
  // are those of RocksDbEngine::Open and BeginLife; all say what to do. Blocks for the disk.
  static absl::StatusOr<std::unique_ptr<NodeStore>> Open(const NodeConfig& config,
                                                         Incarnation incarnation,
                                                         const NodeStorage& storage);
  // Waits for a sync that is under way.
  ~NodeStore();

  NodeStore(const NodeStore&) = delete;
  NodeStore& operator=(const NodeStore&) = delete;

  StorageEngine* engine() const { return engine_.get(); }
  // As it was when the life began.
  const StoredState& state() const { return state_; }

  // Before the first RequestSync; once.
  void StartSyncing(Synced synced);

  // Does not block. Tickets grow. Thread-safe.
  void RequestSync(SyncTicket ticket) ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the sync thread: `synced` is not called any more. Blocks until a sync under way is over.
  void StopSyncing() ABSL_LOCKS_EXCLUDED(mu_);

  // The life ends, with everything applied: the next start need not ask anybody what it has missed.
  // After StopSyncing; nothing may be applied any more. Blocks for the disk.
  absl::Status EndLife(const StoredState& state);

 private:
  NodeStore(std::unique_ptr<StorageEngine> engine, StoredState state);

  void SyncLoop() ABSL_LOCKS_EXCLUDED(mu_);

  // Fixed after construction or StartSyncing.
  const std::unique_ptr<StorageEngine> engine_;
  const StoredState state_;
  Synced synced_;
  std::thread thread_;

  Mutex mu_;
  CondVar changed_;
  SyncTicket wanted_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace quorate

#endif  // QUORATE_NODE_NODE_STORE_H_
