#include "replication/dynamo/quorum_writes.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "replication/outcomes.h"

namespace quorate {
namespace {

// Records that wait for replicas, most of them answered: for each operation that may be in flight.
constexpr size_t kPerOpenOperation = 5;

// A message of records closes at this size; a record that is larger travels alone.
constexpr size_t kMaxMessageBytes = size_t{1} << 20;

}  // namespace

void QuorumWrites::Start(OperationId id, OutgoingRecord outgoing,
                         const std::vector<NodeId>& peers) {
  if (pending_.size() >= kPerOpenOperation * context_->config().max_open_operations) {
    GiveUpAnswered(/*sent_before=*/context_->Now());
  }
  Pending pending{QuorumTracker(context_->quorums().n, outgoing.required),
                  {},
                  std::move(outgoing.result),
                  context_->Now(),
                  outgoing.read,
                  /*answered=*/false};
  for (const NodeId peer : peers) {
    if (!context_->Connected(peer)) {
      pending.acks.Reject(peer);
      on_missed_(peer);
    } else if (std::find(outgoing.holders.begin(), outgoing.holders.end(), peer) !=
               outgoing.holders.end()) {
      pending.acks.Accept(peer);
    } else {
      pending.unacknowledged.push_back(peer);
    }
  }
  if (!pending.unacknowledged.empty()) Gather(id, std::move(outgoing), pending);
  pending_.emplace(id, std::move(pending));
  own_acks_.push_back(id);
}

void QuorumWrites::Gather(OperationId id, OutgoingRecord outgoing, const Pending& pending) {
  const std::vector<NodeId> peers(pending.unacknowledged.begin(), pending.unacknowledged.end());
  const size_t bytes = outgoing.key.size() + outgoing.record.size();
  if (peers != gathered_for_ || gathered_bytes_ + bytes > kMaxMessageBytes) SendGathered();
  gathered_for_ = peers;
  gathered_bytes_ += bytes;
  peer::v1::LogEntry* entry = gathered_.mutable_replicate()->add_entries();
  entry->set_number(id);
  entry->set_key(std::move(outgoing.key));
  entry->set_record(std::move(outgoing.record));
}

void QuorumWrites::SendGathered() {
  if (gathered_.has_replicate()) context_->SendToAll(gathered_for_, gathered_);
  gathered_.Clear();
  gathered_bytes_ = 0;
}

void QuorumWrites::OnDrainEnd() {
  SendGathered();
  if (own_acks_.empty()) return;
  context_->WhenDurable([this, ids = std::exchange(own_acks_, {})] {
    for (const OperationId id : ids) OnAcknowledged(id, context_->config().self);
  });
}

void QuorumWrites::StopAwaiting(Pending* pending, NodeId node) {
  auto& waiting = pending->unacknowledged;
  waiting.erase(std::remove(waiting.begin(), waiting.end(), node), waiting.end());
}

void QuorumWrites::OnAcknowledged(OperationId id, NodeId node) {
  const auto it = pending_.find(id);
  if (it == pending_.end()) return;
  StopAwaiting(&it->second, node);
  it->second.acks.Accept(node);
  Advance(id);
}

void QuorumWrites::OnRefused(OperationId id, NodeId node) {
  const auto it = pending_.find(id);
  if (it == pending_.end()) return;
  StopAwaiting(&it->second, node);
  it->second.acks.Reject(node);
  Advance(id);
}

void QuorumWrites::OnPeerDown(NodeId peer) {
  // While a record waits for its quorum, only replicas that were never lost meanwhile count.
  std::vector<OperationId> affected;
  bool missed = false;
  for (auto& [id, pending] : pending_) {
    auto& waiting = pending.unacknowledged;
    const auto it = std::find(waiting.begin(), waiting.end(), peer);
    if (it != waiting.end()) {
      waiting.erase(it);
      missed = true;
    } else if (pending.answered || !pending.acks.Answered(peer)) {
      continue;
    }
    if (!pending.answered) pending.acks.Withdraw(peer);
    affected.push_back(id);
  }
  if (missed) on_missed_(peer);
  for (const OperationId id : affected) Advance(id);
}

void QuorumWrites::Advance(OperationId id) {
  const auto it = pending_.find(id);
  Pending& pending = it->second;
  const bool self_answered = pending.acks.Answered(context_->config().self);
  const int possible = pending.acks.accepted() + static_cast<int>(pending.unacknowledged.size()) +
                       (self_answered ? 0 : 1);
  if (!pending.answered && pending.acks.state() == QuorumState::kMet) {
    pending.answered = true;
    if (!pending.read) {
      pending.result.answers = pending.acks.accepted();
      pending.result.required = pending.acks.required();
    }
    context_->Complete(id, std::move(pending.result));
  } else if (!pending.answered && possible < pending.acks.required()) {
    CompleteFailed(id, &pending, absl::StatusCode::kUnavailable, "replicas were lost");
  }
  if (pending.answered && pending.unacknowledged.empty() && self_answered) pending_.erase(it);
}

void QuorumWrites::CompleteFailed(OperationId id, Pending* pending, absl::StatusCode code,
                                  absl::string_view why) {
  pending->answered = true;
  if (!pending->read) return context_->Complete(id, UnknownOutcome(code, pending->acks, why));
  OperationResult result = NotSent(absl::Status(
      code, absl::StrCat("what the read found was on ", pending->acks.accepted(), " of the ",
                         pending->acks.required(), " replicas that must hold it when ", why)));
  result.answers = pending->acks.accepted();
  result.required = pending->acks.required();
  context_->Complete(id, std::move(result));
}

void QuorumWrites::GiveUp(OperationId id) {
  const auto it = pending_.find(id);
  for (const NodeId peer : it->second.unacknowledged) on_missed_(peer);
  pending_.erase(it);
}

void QuorumWrites::GiveUpAnswered(MonotonicTime sent_before) {
  // A replica that is very slow, or to which a message was lost, is better served by a comparison.
  std::vector<OperationId> old;
  for (const auto& [id, pending] : pending_) {
    if (pending.answered && pending.sent < sent_before) old.push_back(id);
  }
  for (const OperationId id : old) GiveUp(id);
}

void QuorumWrites::OnExpire(OperationId id) {
  const auto it = pending_.find(id);
  if (it == pending_.end()) return;
  if (!it->second.answered) {
    CompleteFailed(id, &it->second, absl::StatusCode::kDeadlineExceeded, "its time was over");
  }
  GiveUp(id);
}

void QuorumWrites::OnCancel(OperationId id) {
  const auto it = pending_.find(id);
  if (it == pending_.end()) return;
  it->second.answered = true;
  Advance(id);
}

}  // namespace quorate
