#include "tests/storage/faulty_file_system.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/time/clock.h"

#include "support/mutex.h"

namespace quorate {

using rocksdb::DataVerificationInfo;
using rocksdb::FSWritableFile;
using rocksdb::FSWritableFileOwnerWrapper;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// A file that can be written as long as its disk can.
class FaultyFile : public FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::unique_ptr<FSWritableFile> file, FaultyFileSystem* disk)
      : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const IOStatus condition = disk_->Condition();
    return condition.ok() ? FSWritableFileOwnerWrapper::Append(data, options, debug) : condition;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus condition = disk_->Condition();
    return condition.ok() ? FSWritableFileOwnerWrapper::Sync(options, debug) : condition;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }

 protected:
  FaultyFileSystem* const disk_;
};

// A write-ahead log that keeps in memory what was not synced.
class ForgetfulLog : public FaultyFile {
 public:
  using FaultyFile::FaultyFile;
  ~ForgetfulLog() override { disk_->unsynced_bytes_ -= static_cast<int64_t>(unsynced_.size()); }

  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    const IOStatus condition = disk_->Condition();
    if (!condition.ok()) return condition;
    MutexLock lock(&mu_);
    unsynced_.append(data.data(), data.size());
    disk_->unsynced_bytes_ += static_cast<int64_t>(data.size());
    return IOStatus::OK();
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    disk_->PassSync();
    if (disk_->failing_syncs_) return IOStatus::IOError("the log cannot be synced");
    MutexLock lock(&mu_);
    IOStatus status = FaultyFile::Append(unsynced_, options, debug);
    if (!status.ok()) return status;
    disk_->unsynced_bytes_ -= static_cast<int64_t>(unsynced_.size());
    unsynced_.clear();
    return FaultyFile::Sync(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }
  bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const IOOptions& options, IODebugContext* debug) override {
    MutexLock lock(&mu_);
    return FaultyFile::GetFileSize(options, debug) + unsynced_.size();
  }

 private:
  Mutex mu_;
  std::string unsynced_ ABSL_GUARDED_BY(mu_);
};

FaultyFileSystem::FaultyFileSystem(DiskFaults faults)
    : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()), faults_(std::move(faults)) {}

void FaultyFileSystem::HoldSyncs(bool hold) {
  MutexLock lock(&mu_);
  hold_syncs_ = hold;
  changed_.SignalAll();
}

void FaultyFileSystem::AwaitHeldSync() {
  MutexLock lock(&mu_);
  while (held_syncs_ == 0) changed_.Wait(&mu_);
}

void FaultyFileSystem::PassSync() {
  if (faults_.sync_delay != nullptr) absl::SleepFor(faults_.sync_delay());
  MutexLock lock(&mu_);
  ++held_syncs_;
  changed_.SignalAll();
  while (hold_syncs_) changed_.Wait(&mu_);
  --held_syncs_;
}

IOStatus FaultyFileSystem::Condition() const {
  if (power_lost_) return IOStatus::IOError("the power is gone");
  const bool fails = failing_ || (faults_.fails != nullptr && faults_.fails());
  return fails ? IOStatus::IOError("the disk fails") : IOStatus::OK();
}

IOStatus FaultyFileSystem::NewWritableFile(const std::string& name,
                                           const rocksdb::FileOptions& options,
                                           std::unique_ptr<FSWritableFile>* file,
                                           IODebugContext* debug) {
  const IOStatus condition = Condition();
  if (!condition.ok()) return condition;
  std::unique_ptr<FSWritableFile> real;
  const IOStatus status = target()->NewWritableFile(name, options, &real, debug);
  if (!status.ok()) return status;
  if (absl::EndsWith(name, ".log")) {
    *file = std::make_unique<ForgetfulLog>(std::move(real), this);
  } else {
    *file = std::make_unique<FaultyFile>(std::move(real), this);
  }
  return status;
}

}  // namespace quorate
