#include "replication/storage/replica_store.h"

#include "absl/strings/str_cat.h"

#include "replication/storage/planted_bugs.h"

namespace quorate {
namespace {

absl::Status Damaged(absl::string_view key, const absl::Status& why) {
  return absl::DataLossError(
      absl::StrCat("stored record of key of ", key.size(), " bytes is damaged: ", why.message()));
}

absl::StatusOr<Record> DecodeStored(absl::string_view key, absl::string_view bytes) {
  absl::StatusOr<Record> record = Record::Decode(bytes);
  return record.ok() ? std::move(record) : Damaged(key, record.status());
}

}  // namespace

ReplicaStore::ReplicaStore(StorageEngine* engine, StoredState state)
    : engine_(engine),
      keeps_state_(state.durability() != DurabilityName(Durability::kMemory)),
      state_(std::move(state)) {}

void ReplicaStore::SetState(StoredState state) {
  state_ = std::move(state);
  if (!keeps_state_) return;
  if (pending_state_.has_value()) pending_bytes_ -= pending_state_->size();
  pending_state_ = state_.SerializeAsString();
  pending_bytes_ += pending_state_->size();
}

absl::StatusOr<std::optional<Record>> ReplicaStore::Get(absl::string_view key) const {
  if (key.empty()) return std::optional<Record>();  // what stands there is the state
  const auto pending = pending_.find(key);
  if (pending != pending_.end()) return std::optional<Record>(pending->second.record);
  absl::StatusOr<std::optional<std::string>> bytes = engine_->Get(key);
  if (!bytes.ok()) return bytes.status();
  if (!bytes->has_value()) return std::optional<Record>();
  absl::StatusOr<Record> record = DecodeStored(key, **bytes);
  if (!record.ok()) return record.status();
  return std::optional<Record>(*std::move(record));
}

absl::StatusOr<std::optional<Version>> ReplicaStore::GetVersion(absl::string_view key) const {
  const auto pending = pending_.find(key);
  if (pending != pending_.end()) return std::optional<Version>(pending->second.record.version);
  const absl::StatusOr<std::optional<std::string>> bytes = engine_->Get(key);
  if (!bytes.ok()) return bytes.status();
  if (!bytes->has_value()) return std::optional<Version>();
  absl::StatusOr<Version> version = Record::DecodeVersion(**bytes);
  if (!version.ok()) return Damaged(key, version.status());
  return std::optional<Version>(*std::move(version));
}

absl::StatusOr<MergeOutcome> ReplicaStore::Merge(absl::string_view key, Record record) {
  if (key.empty()) return absl::InvalidArgumentError("key is empty");
  const absl::StatusOr<std::optional<Version>> held = GetVersion(key);
  if (!held.ok()) return held.status();
  bool changed = true;
  if (held->has_value() && !PlantedBug(Bug::kOverwriteWithoutCompare)) {
    if ((*held)->sequenced() != record.version.sequenced()) {
      return absl::InvalidArgumentError("record was written by another replication strategy");
    }
    // Nearly always what is held came before: it is replaced without having been decoded.
    if ((*held)->Compare(record.version) != VersionOrder::kBefore) {
      absl::StatusOr<std::optional<Record>> current = Get(key);
      if (!current.ok()) return current.status();
      changed = (*current)->Merge(record);
      record = **std::move(current);
    }
  }
  // What follows could be stored, but not read again.
  if (record.version.vector().size() > Version::kMaxEntries) {
    return absl::InvalidArgumentError("the merged version vector has too many entries");
  }
  if (record.siblings.empty()) {
    return absl::InvalidArgumentError(
        "record contradicts the one that is held: each has replaced all values of the other");
  }
  MergeOutcome outcome;
  outcome.changed = changed;
  outcome.conflicting = record.conflicting();
  if (!changed) return outcome;
  Pending& pending = pending_[std::string(key)];
  pending.bytes = record.Encode();
  pending.record = std::move(record);
  pending_bytes_ += key.size() + pending.bytes.size();
  outcome.encoded = pending.bytes;
  return outcome;
}

absl::StatusOr<RecordPage> ReplicaStore::Scan(const std::optional<std::string>& after,
                                              const ScanLimits& limits) {
  const absl::Status committed = Commit();
  if (!committed.ok()) return committed;
  absl::StatusOr<ScanPage> raw = engine_->Scan(after.value_or(kStateKey), limits);
  if (!raw.ok()) return raw.status();
  RecordPage page;
  page.done = raw->done;
  page.records.reserve(raw->entries.size());
  for (auto& [key, bytes] : raw->entries) {
    absl::StatusOr<Version> version = Record::DecodeVersion(bytes);
    if (!version.ok()) return Damaged(key, version.status());
    page.records.push_back(ScannedRecord{std::move(key), *std::move(version), std::move(bytes)});
  }
  return page;
}

absl::Status ReplicaStore::Commit() {
  if (pending_.empty() && !pending_state_.has_value()) return absl::OkStatus();
  WriteBatch batch;
  batch.reserve(pending_.size() + 1);
  for (auto& [key, pending] : pending_) batch.emplace_back(key, std::move(pending.bytes));
  if (pending_state_.has_value()) batch.emplace_back(kStateKey, *std::move(pending_state_));
  pending_.clear();
  pending_state_.reset();
  pending_bytes_ = 0;
  ++applied_batches_;
  return engine_->Apply(batch);
}

#ifdef QUORATE_PLANTED_BUGS
void ReplicaStore::OverwriteForTest(absl::string_view key, const Record& record) {
  pending_[std::string(key)] = Pending{record, record.Encode()};
}
#endif

}  // namespace quorate
