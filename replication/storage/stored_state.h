// The lives of a store: what a replica finds in its engine when it starts, and what that says of
// the lives before.
//
//   absl::StatusOr<StoredState> state = BeginLife(engine, {owner, Durability::kSynced, boot,
//   fresh});
//   ...                       // a ReplicaStore over the engine keeps the state up to date
//   EndLife(engine, state);   // after the last write
#ifndef QUORATE_REPLICATION_STORAGE_STORED_STATE_H_
#define QUORATE_REPLICATION_STORAGE_STORED_STATE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "proto/store.pb.h"
#include "replication/storage/storage_engine.h"
#include "replication/storage/version.h"

namespace quorate {

using store::v1::StoredState;

// What an acknowledgement means on a node.
enum class Durability {
  kMemory,  // the node has it in memory: gone with the process
  kOs,      // the operating system has it: survives the process, but not the machine
  kSynced,  // the disk has it
};

// memory, os or synced.
const char* DurabilityName(Durability durability);

// The key of the state in the engine.
inline constexpr char kStateKey[] = "";

// What is known of a life before it begins.
struct NewLife {
  std::string cluster;
  NodeId node = 0;
  std::string strategy;
  Durability durability = Durability::kMemory;
  std::string boot;             // names the machine's boot; empty: not known
  uint64_t folder = 0;          // tells the folder from a copy of it; 0: there is none
  Incarnation incarnation = 0;  // not used by any earlier life
  // The engine has noticed that it lost more than a crash may take.
  bool engine_has_lost = false;
};

// Reads the state of the earlier lives, and stores that a new one has begun (synced). In the result
// `complete` says whether the engine holds all that the node ever acknowledged. `incarnation` is
// the last life's where the engine holds all that it ever applied, since it ended cleanly or its
// machine went on, and the new one otherwise.
//
// FAILED_PRECONDITION, without effect, where the engine holds somebody else's data or was written
// by a later version of the program; DATA_LOSS where the state is damaged; else what the engine
// says. Blocks for the disk.
absl::StatusOr<StoredState> BeginLife(StorageEngine* engine, const NewLife& life);

// Stores that everything is synced and the life is over. No writes may follow. Blocks for the disk.
absl::Status EndLife(StorageEngine* engine, StoredState state);

}  // namespace quorate

#endif  // QUORATE_REPLICATION_STORAGE_STORED_STATE_H_
