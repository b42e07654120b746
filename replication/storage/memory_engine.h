// MemoryEngine: an ordered map in memory. It forgets everything when its process ends, so a node
// over it takes a new incarnation at every start.
//
// Not thread-safe; Sync does nothing and may run anywhere.
#ifndef QUORATE_REPLICATION_STORAGE_MEMORY_ENGINE_H_
#define QUORATE_REPLICATION_STORAGE_MEMORY_ENGINE_H_

#include <optional>
#include <string>

#include "absl/container/btree_map.h"

#include "replication/storage/storage_engine.h"

namespace quorate {

class MemoryEngine : public StorageEngine {
 public:
  absl::StatusOr<std::optional<std::string>> Get(absl::string_view key) override;
  absl::Status Apply(const WriteBatch& batch) override;
  absl::StatusOr<ScanPage> Scan(const std::optional<std::string>& after,
                                const ScanLimits& limits) override;
  absl::Status Sync() override { return absl::OkStatus(); }

 private:
  absl::btree_map<std::string, std::string> entries_;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_STORAGE_MEMORY_ENGINE_H_
