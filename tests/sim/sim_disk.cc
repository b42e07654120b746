#include "tests/sim/sim_disk.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "glog/logging.h"

#include "replication/storage/planted_bugs.h"

namespace quorate::sim {
namespace {

// Of the damage in disks, in percent: what hits the log instead of a table.
constexpr int kLogDamagePercent = 40;
constexpr int kTornPercent = 70;

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

// In the last byte, which is the value's where there is one. Only whoever ignores checksums sees
// which bit it was; a version that no replica can go on with would end the simulation before any
// check.
std::string Flipped(std::string bytes, SimRng* rng) {
  if (!bytes.empty()) bytes.back() = static_cast<char>(bytes.back() ^ (1 << rng->Below(8)));
  return bytes;
}

}  // namespace

absl::Status SimDisk::Broken() {
  failed_ = true;
  return absl::DataLossError("the simulated disk has failed");
}

absl::Status SimDisk::NoRoom() {
  failed_ = true;
  ++counters_.refused_writes;
  return absl::UnavailableError("no space left on the simulated disk; make room and start again");
}

absl::Status SimDisk::Damaged() {
  failed_ = true;
  ++counters_.damaged_reads;
  return absl::DataLossError("the data on the simulated disk are damaged");
}

void SimDisk::SetObservers(Observer applied, Observer synced) {
  on_applied_ = std::move(applied);
  on_synced_ = std::move(synced);
}

absl::StatusOr<std::optional<std::string>> SimDisk::Get(absl::string_view key) {
  if (damaged_.empty()) return visible_.Get(key);
  const auto damage = damaged_.find(std::string(key));
  if (damage == damaged_.end()) return visible_.Get(key);
  if (PlantedBug(Bug::kIgnoreChecksums)) return std::optional<std::string>(damage->second);
  return Damaged();
}

absl::Status SimDisk::Apply(const WriteBatch& batch) {
  if (failed_) return Broken();
  if (full_) return NoRoom();
  if (log_.size() >= log_batches_) CompactLog();
  WriteBatch stored = batch;
  if (failing_) stored.resize(batch.size() / 2);
  CHECK(visible_.Apply(stored).ok());
  ++applied_;
  for (const auto& [key, bytes] : stored) damaged_.erase(key);
  if (durability_ != Durability::kMemory) log_.push_back(stored);
  if (on_applied_) on_applied_(stored);
  return failing_ ? Broken() : absl::OkStatus();
}

absl::StatusOr<ScanPage> SimDisk::Scan(const std::optional<std::string>& after,
                                       const ScanLimits& limits) {
  absl::StatusOr<ScanPage> page = visible_.Scan(after, limits);
  if (damaged_.empty() || !page.ok()) return page;
  for (auto& [key, bytes] : page->entries) {
    const auto damage = damaged_.find(key);
    if (damage == damaged_.end()) continue;
    if (!PlantedBug(Bug::kIgnoreChecksums)) return Damaged();
    bytes = damage->second;
  }
  return page;
}

absl::Status SimDisk::SyncThrough(uint64_t applied) {
  if (failing_ && !failed_ && durability_ != Durability::kMemory) {
    sync_failed_ = has_lost_ = true;
    ++counters_.failed_syncs;
  }
  if (failing_ || failed_) return Broken();
  NoteSynced(log_.size() - std::min<uint64_t>(log_.size(), applied_ - applied));
  return absl::OkStatus();
}

void SimDisk::NoteSynced(size_t log_size) {
  for (; log_synced_ < log_size; ++log_synced_) {
    if (on_synced_) on_synced_(log_[log_synced_]);
  }
}

void SimDisk::CompactLog() {
  NoteSynced(log_.size());
  for (const WriteBatch& batch : log_) CHECK(tables_.Apply(batch).ok());
  log_.clear();
  log_synced_ = 0;
  // The tables are written from memory.
  damaged_batch_.reset();
}

void SimDisk::FlipBit(SimRng* rng) {
  if (!log_.empty() && rng->Chance(kLogDamagePercent)) {
    damaged_batch_ = rng->Below(log_.size());
    return;
  }
  WriteBatch intact;
  for (auto& [key, bytes] : EntriesOf(&tables_, kStateKey)) {
    const auto newest = visible_.Get(key);
    CHECK(newest.ok());
    if (*newest == bytes && damaged_.count(key) == 0) intact.emplace_back(key, std::move(bytes));
  }
  if (intact.empty()) return;
  const auto& [key, bytes] = rng->Pick(intact);
  damaged_[key] = Flipped(bytes, rng);
}

void SimDisk::Replace() {
  failing_ = full_ = failed_ = sync_failed_ = has_lost_ = false;
  visible_ = MemoryEngine();
  tables_ = MemoryEngine();
  log_.clear();
  log_synced_ = 0;
  damaged_.clear();
  damaged_batch_.reset();
}

void SimDisk::TearBatch(size_t place, SimRng* rng) {
  ++counters_.torn_batches;
  if (!PlantedBug(Bug::kBelieveTornTail) || log_[place].empty()) return;
  // What was written of it stands there as if it were whole.
  WriteBatch torn = log_[place];
  torn.resize(1 + rng->Below(torn.size()));
  std::string& last = torn.back().second;
  last.resize(last.size() / 2);
  if (torn.back().first == kStateKey) torn.pop_back();
  log_[place] = std::move(torn);
}

size_t SimDisk::EndOfLog(bool loses_unsynced, SimRng* rng) {
  size_t end = log_.size();
  if (loses_unsynced) {
    end = log_synced_ + rng->Below(log_.size() - log_synced_ + 1);
    const bool torn = end < log_.size() && rng->Chance(kTornPercent);
    if (torn) TearBatch(end, rng);
    if (torn && PlantedBug(Bug::kBelieveTornTail)) ++end;
  }
  if (!damaged_batch_.has_value() || *damaged_batch_ >= end) return end;
  if (PlantedBug(Bug::kIgnoreChecksums)) {
    for (auto& [key, bytes] : log_[*damaged_batch_]) {
      if (key != kStateKey) bytes = Flipped(bytes, rng);
    }
    return end;
  }
  ++counters_.cut_logs;
  has_lost_ = true;
  return *damaged_batch_;
}

void SimDisk::Crash(bool power_lost, SimRng* rng) {
  if (durability_ == Durability::kMemory) return Replace();
  const bool loses_unsynced = power_lost || sync_failed_;
  failing_ = failed_ = sync_failed_ = false;
  log_.resize(EndOfLog(loses_unsynced, rng));
  log_synced_ = std::min(log_synced_, log_.size());
  CompactLog();
  visible_ = MemoryEngine();
  CHECK(visible_.Apply(EntriesOf(&tables_, std::nullopt)).ok());
}

WriteBatch SimDisk::Contents() { return EntriesOf(&visible_, kStateKey); }

}  // namespace quorate::sim
