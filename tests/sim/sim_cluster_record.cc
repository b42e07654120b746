// The part of SimCluster that writes down what stores and messages hold.
#include <map>
#include <string>

#include "absl/strings/ascii.h"
#include "glog/logging.h"

#include "tests/sim/sim_cluster.h"

namespace quorate::sim {
namespace {

// What a disk has kept. That it is what was stored, is for CheckRecovered to say.
Record Kept(const std::string& bytes) {
  absl::StatusOr<Record> record = Record::Decode(bytes);
  return record.ok() ? *std::move(record) : Record();
}

}  // namespace

void SimCluster::RecordForgotten(NodeId node, const WriteBatch& before) {
  std::map<std::string, std::string> left;
  for (const auto& [key, bytes] : disk(node).Contents()) left[key] = bytes;
  for (const auto& [key, bytes] : before) {
    const auto it = left.find(key);
    if (it != left.end() && it->second == bytes) continue;
    const Record record = it == left.end() ? Record() : Kept(it->second);
    history_->Changed(EventKind::kForgot, Now(), node, key, record, bytes);
  }
}

void SimCluster::RecordRecovered(NodeId node) {
  for (const auto& [key, bytes] : disk(node).Contents()) {
    history_->Changed(EventKind::kRecovered, Now(), node, key, Kept(bytes), bytes);
  }
}

void SimCluster::RecordApplied(NodeId node, const WriteBatch& batch) {
  for (const auto& [key, bytes] : batch) {
    if (key == kStateKey) continue;
    const absl::StatusOr<Record> record = Record::Decode(bytes);
    CHECK(record.ok()) << record.status();
    history_->Changed(EventKind::kStored, Now(), node, key, *record, bytes);
    history_->Saw(node, key, *record);
  }
}

void SimCluster::RecordSynced(NodeId node, const WriteBatch& batch) {
  for (const auto& [key, bytes] : batch) {
    if (key == kStateKey) continue;
    history_->Changed(EventKind::kDurable, Now(), node, key, Kept(bytes), bytes);
  }
}

// Answers to reads name no key; what they carry was in the answering node's store.
void SimCluster::RecordMessages(NodeId from, const peer::v1::Batch& batch) {
  const auto saw = [this, from](const peer::v1::LogEntry& entry) {
    const absl::StatusOr<Record> record = Record::Decode(entry.record());
    if (record.ok()) history_->Saw(from, entry.key(), *record);
  };
  for (const std::string& bytes : batch.messages()) {
    if (!recorded_messages_.insert(ContentHash(bytes)).second) continue;
    peer::v1::Message message;
    CHECK(message.ParseFromString(bytes)) << "node " << from << " sent what is no message";
    for (const peer::v1::LogEntry& entry : message.replicate().entries()) saw(entry);
    for (const peer::v1::LogEntry& entry : message.compare_reply().records()) saw(entry);
    if (message.replicate_ack().resend()) ++observed_[kResendAsked];
    if (message.replicate_ack().syncing()) ++observed_[kWriteRefused];
    if (message.read_reply().syncing()) ++observed_[kReadRefused];
    if (message.has_compare() && !message.compare().first()) ++observed_[kNextPage];
  }
}

void SimCluster::RecordLine(const std::string& line) {
  std::string words;
  for (const char c : line) {
    if (!absl::ascii_isdigit(c)) words += c;
  }
  ++observed_[words];
}

void SimCluster::AddCounters(const Replica& replica, std::map<std::string, uint64_t>* sums) const {
  for (const auto& [name, count] : replica.Status().counters) (*sums)[name] += count;
}

std::map<std::string, uint64_t> SimCluster::Observed() const {
  std::map<std::string, uint64_t> observed = observed_;
  for (const Node& node : nodes_) {
    if (node.replica != nullptr) AddCounters(*node.replica, &observed);
    const DiskCounters& disk = node.disk->counters();
    observed[kTornBatch] += disk.torn_batches;
    observed[kCutLog] += disk.cut_logs;
    observed[kDamagedRead] += disk.damaged_reads;
    observed[kNoRoom] += disk.refused_writes;
    observed[kFailedSync] += disk.failed_syncs;
  }
  return observed;
}

}  // namespace quorate::sim
