#include "tests/sim/sim_disk.h"

#include <utility>

#include "absl/status/status.h"
#include "glog/logging.h"

namespace quorate::sim {
namespace {

// All that follows `after`, in key order.
WriteBatch EntriesOf(MemoryEngine* engine, std::optional<std::string> after) {
  WriteBatch all;
  for (bool done = false; !done;) {
    absl::StatusOr<ScanPage> page = engine->Scan(after, ScanLimits());
    CHECK(page.ok());
    done = page->done;
    if (!page->entries.empty()) after = page->entries.back().first;
    for (auto& entry : page->entries) all.push_back(std::move(entry));
  }
  return all;
}

}  // namespace

absl::Status SimDisk::Broken() {
  failed_ = true;
  return absl::DataLossError("the simulated disk has failed");
}

void SimDisk::SetObservers(Observer applied, Observer synced) {
  on_applied_ = std::move(applied);
  on_synced_ = std::move(synced);
}

absl::StatusOr<std::optional<std::string>> SimDisk::Get(absl::string_view key) {
  return visible_.Get(key);
}

absl::Status SimDisk::Apply(const WriteBatch& batch) {
  WriteBatch stored = batch;
  if (failing_) stored.resize(batch.size() / 2);
  CHECK(visible_.Apply(stored).ok());
  ++applied_;
  if (durability_ != Durability::kMemory) unsynced_.push_back(stored);
  if (on_applied_) on_applied_(stored);
  return failing_ ? Broken() : absl::OkStatus();
}

absl::StatusOr<ScanPage> SimDisk::Scan(const std::optional<std::string>& after,
                                       const ScanLimits& limits) {
  return visible_.Scan(after, limits);
}

absl::Status SimDisk::SyncThrough(uint64_t applied) {
  if (failing_) return Broken();
  if (durability_ == Durability::kMemory) return absl::OkStatus();
  while (synced_through_ < applied && !unsynced_.empty()) {
    MoveToSynced(unsynced_.front());
    unsynced_.pop_front();
  }
  return absl::OkStatus();
}

void SimDisk::MoveToSynced(const WriteBatch& batch) {
  CHECK(synced_.Apply(batch).ok());
  ++synced_through_;
  if (on_synced_) on_synced_(batch);
}

void SimDisk::Replace() {
  failing_ = failed_ = false;
  visible_ = MemoryEngine();
  synced_ = MemoryEngine();
  unsynced_.clear();
  synced_through_ = applied_;
}

void SimDisk::Crash(bool power_lost, SimRng* rng) {
  if (durability_ == Durability::kMemory) return Replace();
  failing_ = failed_ = false;
  if (!power_lost) return;
  for (uint64_t kept = rng->Below(unsynced_.size() + 1); kept > 0; --kept) {
    MoveToSynced(unsynced_.front());
    unsynced_.pop_front();
  }
  unsynced_.clear();
  synced_through_ = applied_;
  visible_ = MemoryEngine();
  CHECK(visible_.Apply(EntriesOf(&synced_, std::nullopt)).ok());
}

WriteBatch SimDisk::Contents() { return EntriesOf(&visible_, kStateKey); }

}  // namespace quorate::sim
