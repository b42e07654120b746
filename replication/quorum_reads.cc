#include "replication/quorum_reads.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "replication/outcomes.h"

namespace quorate {
namespace {

size_t BytesOf(const std::optional<Record>& record) {
  return record.has_value() ? record->ValueBytes() : 0;
}

}  // namespace

size_t QuorumReads::held_bytes() const { return held_bytes_ + context_->waiting_bytes(); }

bool QuorumReads::HoldsTooMuch() const { return held_bytes() >= context_->config().max_read_bytes; }

void QuorumReads::Start(OperationId id, const Operation& operation) {
  const int n = context_->quorums().n;
  const int required = operation.r.value_or(context_->quorums().r);
  if (required == 1) return AnswerAlone(id, operation.key);
  const std::vector<NodeId> peers = context_->ConnectedPeers();
  const int live = 1 + static_cast<int>(peers.size());
  if (live < required) {
    return context_->Complete(id, TooFewReplicas(operation, required, live));
  }
  if (HoldsTooMuch()) return context_->Complete(id, NotSent(TooMuchHeld(held_bytes())));
  PendingRead read{operation.key, QuorumTracker(n, required), {}, {}, {}, context_->Now()};
  read.awaited.assign(peers.begin(), peers.end());
  reads_.emplace(id, std::move(read));
  peer::v1::Message message;
  message.mutable_read()->set_operation(id);
  message.mutable_read()->set_key(operation.key);
  context_->SendToAll(peers, message);
  absl::StatusOr<std::optional<Record>> own = context_->store().Get(operation.key);
  if (!own.ok()) return context_->FailStop(own.status());
  // Shown only once it cannot be forgotten any more.
  if (context_->IsDurable(operation.key)) {
    Take(id, context_->config().self, *own);
    return Advance(id);
  }
  const size_t bytes = BytesOf(*own);
  context_->WhenDurable(
      [this, id, own = *std::move(own)] {
        Take(id, context_->config().self, own);
        Advance(id);
      },
      bytes);
}

void QuorumReads::AnswerAlone(OperationId id, const std::string& key) {
  absl::StatusOr<std::optional<Record>> own = context_->store().Get(key);
  if (!own.ok()) return context_->FailStop(own.status());
  const size_t bytes = BytesOf(*own);
  OperationResult result = OwnAnswer(context_->config().self, *std::move(own));
  if (context_->IsDurable(key)) return context_->Complete(id, std::move(result));
  if (HoldsTooMuch()) return context_->Complete(id, NotSent(TooMuchHeld(held_bytes())));
  context_->WhenDurable(
      [this, id, result = std::move(result)]() mutable {
        context_->Complete(id, std::move(result));
      },
      bytes);
}

void QuorumReads::Serve(NodeId from, const peer::v1::Read& read, bool knows_past) {
  peer::v1::Message message;
  peer::v1::ReadReply* reply = message.mutable_read_reply();
  reply->set_operation(read.operation());
  // Too much waits here for the disk: this is no answer, as little as that of a node which does not
  // know its past.
  if (!knows_past || HoldsTooMuch()) {
    reply->set_syncing(true);
    return context_->Send(from, message);
  }
  absl::StatusOr<std::optional<Record>> record = context_->store().Get(read.key());
  if (!record.ok()) return context_->FailStop(record.status());
  reply->set_found(record->has_value());
  if (record->has_value()) reply->set_record((*record)->Encode());
  if (context_->IsDurable(read.key())) return context_->Send(from, message);
  const size_t bytes = BytesOf(*record);
  context_->WhenDurable(
      [this, from, message = std::move(message)] { context_->Send(from, message); }, bytes);
}

void QuorumReads::OnReply(NodeId from, const peer::v1::ReadReply& reply) {
  const auto it = reads_.find(reply.operation());
  if (it == reads_.end() || !NoLongerAwait(&it->second, from)) return;
  std::optional<Record> record;
  if (reply.found()) {
    absl::StatusOr<Record> decoded = Record::Decode(reply.record());
    if (decoded.ok()) record = *std::move(decoded);
  }
  if (reply.syncing() || record.has_value() != reply.found()) {
    Refuse(reply.operation(), from);
  } else {
    Take(reply.operation(), from, record);
  }
  Advance(reply.operation());
}

void QuorumReads::OnPeerDown(NodeId peer) {
  std::vector<OperationId> open;
  for (const auto& [id, read] : reads_) open.push_back(id);
  for (const OperationId id : open) {
    if (!NoLongerAwait(&reads_.at(id), peer)) continue;
    Refuse(id, peer);
    Advance(id);
  }
}

bool QuorumReads::NoLongerAwait(PendingRead* read, NodeId node) {
  const auto it = std::find(read->awaited.begin(), read->awaited.end(), node);
  if (it == read->awaited.end()) return false;
  read->awaited.erase(it);
  return true;
}

void QuorumReads::Take(OperationId id, NodeId node, const std::optional<Record>& record) {
  const auto it = reads_.find(id);
  if (it == reads_.end()) return;
  PendingRead& read = it->second;
  if (!read.answers.Accept(node)) return;
  read.versions.push_back(Answer{node, record.has_value() ? record->version : Version()});
  if (!record.has_value()) return;
  read.merged.Merge(*record);
  held_bytes_ -= read.bytes;
  read.bytes = read.merged.ValueBytes();
  held_bytes_ += read.bytes;
}

void QuorumReads::OnCancel(OperationId id) {
  const auto it = reads_.find(id);
  if (it == reads_.end()) return;
  held_bytes_ -= it->second.bytes;
  reads_.erase(it);
}

void QuorumReads::Refuse(OperationId id, NodeId node) {
  const auto it = reads_.find(id);
  if (it != reads_.end()) it->second.answers.Reject(node);
}

void QuorumReads::Advance(OperationId id) {
  const auto it = reads_.find(id);
  if (it == reads_.end()) return;
  PendingRead& read = it->second;
  const bool self_pending = !read.answers.Answered(context_->config().self);
  // Peers that were not asked cannot answer any more than those that refused.
  const int possible =
      read.answers.accepted() + static_cast<int>(read.awaited.size()) + (self_pending ? 1 : 0);
  if (!read.completed && read.answers.state() == QuorumState::kMet) {
    read.completed = true;
    OperationResult result;
    result.node = context_->config().self;
    result.answers = read.answers.accepted();
    result.required = read.answers.required();
    result.disagreed = Disagree(read);
    if (!read.merged.version.empty()) {
      result.order = OrderOf(read.merged);
      result.record = read.merged;
    }
    context_->Complete(id, std::move(result));
  } else if (!read.completed && possible < read.answers.required()) {
    read.completed = true;
    OperationResult result = NotSent(absl::UnavailableError(
        absl::StrCat("the read needs ", read.answers.required(), " answers and only ", possible,
                     " replicas can give one; the others are away or may have forgotten writes")));
    result.answers = read.answers.accepted();
    result.required = read.answers.required();
    context_->Complete(id, std::move(result));
  }
  if (read.awaited.empty() && !self_pending) Settle(id);
}

bool QuorumReads::Disagree(const PendingRead& read) {
  for (const Answer& answer : read.versions) {
    if (!(answer.version == read.versions.front().version)) return true;
  }
  return false;
}

void QuorumReads::Settle(OperationId id) {
  const auto it = reads_.find(id);
  held_bytes_ -= it->second.bytes;
  SettledRead settled{it->second.key, std::move(it->second.merged), {}};
  for (const Answer& answer : it->second.versions) {
    if (!(answer.version == settled.merged.version)) settled.behind.push_back(answer.node);
  }
  reads_.erase(it);
  on_settled_(settled);
}

void QuorumReads::SettleOld(MonotonicTime started) {
  std::vector<OperationId> old;
  for (const auto& [id, read] : reads_) {
    if (read.completed && read.started < started) old.push_back(id);
  }
  for (const OperationId id : old) Settle(id);
}

bool QuorumReads::OnExpire(OperationId id) {
  const auto it = reads_.find(id);
  if (it == reads_.end()) return false;
  PendingRead& read = it->second;
  if (!read.completed) {
    read.completed = true;
    OperationResult result;
    result.status = absl::DeadlineExceededError(
        absl::StrCat("the read had ", read.answers.accepted(), " of the ", read.answers.required(),
                     " answers it needs when its time was over"));
    result.answers = read.answers.accepted();
    result.required = read.answers.required();
    context_->Complete(id, std::move(result));
  }
  Settle(id);
  return true;
}

}  // namespace quorate
