// MemoryEngine: a hash table in memory, and beside it the order of its keys for scans. It forgets
// everything when its process ends, so a node over it takes a new incarnation at every start.
//
// With many records nearly every look at one is a miss of the processor's cache, and a tree alone
// would take some of them at each of its levels.
//
// Not thread-safe; Sync does nothing and may run anywhere.
#ifndef QUORATE_REPLICATION_STORAGE_MEMORY_ENGINE_H_
#define QUORATE_REPLICATION_STORAGE_MEMORY_ENGINE_H_

#include <optional>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/strings/string_view.h"

#include "replication/storage/storage_engine.h"

namespace quorate {

class MemoryEngine : public StorageEngine {
 public:
  MemoryEngine() = default;
  MemoryEngine(MemoryEngine&&) = default;
  MemoryEngine& operator=(MemoryEngine&&) = default;

  absl::StatusOr<std::optional<std::string>> Get(absl::string_view key) override;
  absl::Status Apply(const WriteBatch& batch) override;
  absl::StatusOr<ScanPage> Scan(const std::optional<std::string>& after,
                                const ScanLimits& limits) override;
  absl::Status Sync() override { return absl::OkStatus(); }

 private:
  // Only looked up in: its order differs from run to run. Entries stay where they are.
  absl::node_hash_map<std::string, std::string> entries_;
  absl::btree_map<absl::string_view, const std::string*> order_;  // of what is in entries_
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_STORAGE_MEMORY_ENGINE_H_
