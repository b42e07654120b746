// StorageEngine: an ordered map from byte strings to byte strings that can forget what was not
// synced. It knows nothing of versions; ReplicaStore does. tests/contract holds every engine to
// this text.
#ifndef QUORATE_REPLICATION_STORAGE_STORAGE_ENGINE_H_
#define QUORATE_REPLICATION_STORAGE_STORAGE_ENGINE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace quorate {

// Values to be stored together; a later value for the same key wins.
using WriteBatch = std::vector<std::pair<std::string, std::string>>;

struct ScanLimits {
  size_t records = 1000;
  size_t bytes = size_t{1} << 20;  // of keys and values; one larger entry is returned alone
};

struct ScanPage {
  std::vector<std::pair<std::string, std::string>> entries;  // in key order
  bool done = false;                                         // nothing follows the last entry
};

// Not thread-safe, except that Sync may run on another thread beside any other call.
class StorageEngine {
 public:
  virtual ~StorageEngine() = default;

  // The value under `key`; nullopt where there is none.
  virtual absl::StatusOr<std::optional<std::string>> Get(absl::string_view key) = 0;

  // Stores the whole batch or, on an error, possibly a part of it: the engine must then be closed.
  // Later calls see it at once; a crash may forget it until Sync has succeeded. Does not wait for
  // the disk.
  virtual absl::Status Apply(const WriteBatch& batch) = 0;

  // The entries whose keys come after `after` (from the start where nullopt), as of one moment.
  virtual absl::StatusOr<ScanPage> Scan(const std::optional<std::string>& after,
                                        const ScanLimits& limits) = 0;

  // Blocks until everything applied before the call survives a crash, as far as the engine can
  // promise that at all (the memory engine cannot). After an error nothing more may be
  // acknowledged.
  virtual absl::Status Sync() = 0;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_STORAGE_STORAGE_ENGINE_H_
