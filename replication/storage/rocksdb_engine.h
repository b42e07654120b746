// RocksDbEngine: a storage engine on disk, over RocksDB.
//
//   absl::StatusOr<std::unique_ptr<RocksDbEngine>> engine =
//   RocksDbEngine::Open("/var/lib/quorate");
//
// Apply writes to RocksDB's log without waiting for the disk: the operating system has it when
// Apply returns, the disk when a later Sync returns. What a crash takes away was not synced, and is
// the end of a file of that log; where the log goes on in a further file, which RocksDB does not
// hold against the end of the one before, it may be something before what is left.
#ifndef QUORATE_REPLICATION_STORAGE_ROCKSDB_ENGINE_H_
#define QUORATE_REPLICATION_STORAGE_ROCKSDB_ENGINE_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "replication/storage/storage_engine.h"

namespace rocksdb {
class DB;
class Env;
class FileSystem;
class Status;
}  // namespace rocksdb

namespace quorate {

// Performance, apart from the last.
struct RocksDbOptions {
  size_t block_cache_bytes = size_t{256} << 20;      // of data read, decompressed
  size_t write_buffer_bytes = size_t{64} << 20;      // one of up to four in memory
  std::shared_ptr<rocksdb::FileSystem> file_system;  // null: the operating system's
};

// Thread-safe as StorageEngine says.
class RocksDbEngine : public StorageEngine {
 public:
  // Opens the folder, or creates it where it is missing or empty; its parent must exist.
  //
  // FAILED_PRECONDITION where the folder holds something else, or is open in another process;
  // DATA_LOSS where what it holds is damaged; UNAVAILABLE where the system refuses. The message
  // says what to do. Blocks while RocksDB reads its log, twice.
  static absl::StatusOr<std::unique_ptr<RocksDbEngine>> Open(const std::string& folder,
                                                             const RocksDbOptions& options = {});
  // Blocks until RocksDB's threads have ended.
  ~RocksDbEngine() override;

  // The log was damaged before its end, as far as that can be told: what followed has been dropped,
  // and may have been synced. Stays so, over any number of starts, until it has been noted.
  bool has_lost() const { return has_lost_; }
  // Whoever relies on this store has noted the loss for good. Blocks for the disk.
  absl::Status NoteLoss();

  absl::StatusOr<std::optional<std::string>> Get(absl::string_view key) override;
  absl::Status Apply(const WriteBatch& batch) override;
  absl::StatusOr<ScanPage> Scan(const std::optional<std::string>& after,
                                const ScanLimits& limits) override;
  absl::Status Sync() override;

 private:
  RocksDbEngine(std::string folder, std::unique_ptr<rocksdb::Env> env);

  rocksdb::Env* env() const;
  // Why nothing more can be stored; OK where that is possible.
  absl::Status Failed() const;
  // `status` for people who run nodes.
  absl::Status Explain(const rocksdb::Status& status) const;

  // Fixed after Open.
  const std::string folder_;
  const std::unique_ptr<rocksdb::Env> env_;  // null: the default one
  std::unique_ptr<rocksdb::DB> db_;
  bool has_lost_ = false;

  // A write or a sync has failed: RocksDB must not be asked to sync its log any more.
  std::atomic<bool> failed_{false};
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_STORAGE_ROCKSDB_ENGINE_H_
