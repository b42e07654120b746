// FaultyFileSystem: a disk that one can pull the power from, that fails, or that is slow, under
// RocksDB. What is written to a write-ahead log stays in memory until it is synced: so a process
// over it that is killed, or told that the power is gone, forgets exactly what was not synced.
//
//   auto disk = std::make_shared<FaultyFileSystem>();
//   options.file_system = disk;
//   ...
//   disk->LosePower();   // nothing reaches the disk any more; close the engine, and open it anew
#ifndef QUORATE_TESTS_STORAGE_FAULTY_FILE_SYSTEM_H_
#define QUORATE_TESTS_STORAGE_FAULTY_FILE_SYSTEM_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "rocksdb/file_system.h"

#include "support/mutex.h"

namespace quorate {

// What a disk does by itself. Both are asked before each write or sync, on any thread; null: never.
struct DiskFaults {
  std::function<bool()> fails;
  std::function<absl::Duration()> sync_delay;  // of write-ahead logs
};

// Thread-safe. Files that were opened through it must not outlive it.
class FaultyFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyFileSystem(DiskFaults faults = {});

  // For good.
  void LosePower() { power_lost_ = true; }
  // Writes and syncs fail from now on.
  void Fail() { failing_ = true; }
  // Syncs of write-ahead logs fail from now on, and everything else works.
  void FailSyncs() { failing_syncs_ = true; }
  // While they are held, syncs of write-ahead logs do not end.
  void HoldSyncs(bool hold) ABSL_LOCKS_EXCLUDED(mu_);
  // Blocks until a sync is held.
  void AwaitHeldSync() ABSL_LOCKS_EXCLUDED(mu_);

  // Bytes of write-ahead logs that have not been synced.
  int64_t unsynced_bytes() const { return unsynced_bytes_; }

  static const char* kClassName() { return "FaultyFileSystem"; }
  const char* Name() const override { return kClassName(); }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;

 private:
  friend class FaultyFile;
  friend class ForgetfulLog;

  // OK, or why nothing can be written now.
  rocksdb::IOStatus Condition() const;
  // Blocks while syncs are held, or for as long as one is delayed.
  void PassSync() ABSL_LOCKS_EXCLUDED(mu_);

  const DiskFaults faults_;
  std::atomic<bool> power_lost_{false};
  std::atomic<bool> failing_{false};
  std::atomic<bool> failing_syncs_{false};
  std::atomic<int64_t> unsynced_bytes_{0};

  Mutex mu_;
  CondVar changed_;
  bool hold_syncs_ ABSL_GUARDED_BY(mu_) = false;
  int held_syncs_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace quorate

#endif  // QUORATE_TESTS_STORAGE_FAULTY_FILE_SYSTEM_H_
