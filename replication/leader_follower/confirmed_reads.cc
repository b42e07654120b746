#include "replication/leader_follower/confirmed_reads.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "replication/outcomes.h"
#include "replication/storage/planted_bugs.h"

namespace quorate {

ConfirmedReads::ConfirmedReads(StrategyContext* context, TimerId timer, CountHolders holders,
                               Finish finish)
    : context_(context),
      timer_(timer),
      holders_(std::move(holders)),
      finish_(std::move(finish)),
      answers_(1, 1) {}

void ConfirmedReads::Start(OperationId id, const Operation& operation, Version session,
                           uint64_t epoch, uint64_t through) {
  const int required = context_->quorums().w;
  const int live = 1 + static_cast<int>(context_->ConnectedPeers().size());
  if (live < required) return finish_(id, TooFewReplicas(operation, required, live));
  const size_t held = held_bytes_ + context_->waiting_bytes();
  if (held >= context_->config().max_read_bytes) return finish_(id, NotSent(TooMuchHeld(held)));
  absl::StatusOr<std::optional<Record>> own = context_->store().Get(operation.key);
  if (!own.ok()) return context_->FailStop(own.status());
  const absl::Status known =
      CheckKnowsSession(own->has_value() ? (*own)->version : Version(), session);
  if (!known.ok()) return finish_(id, NotSent(known));
  Read read;
  read.through = through;
  read.round = round_ + 1;
  read.bytes = own->has_value() ? (*own)->ValueBytes() : 0;
  read.result = OwnAnswer(context_->config().self, *std::move(own));
  read.result.required = required;
  held_bytes_ += read.bytes;
  epoch_ = epoch;
  reads_.emplace(id, std::move(read));
  wanted_ = true;
  context_->WhenDurable([this, id] {
    const auto it = reads_.find(id);
    if (it == reads_.end()) return;
    it->second.durable = true;
    FinishReady();
  });
}

void ConfirmedReads::Ask() {
  peer::v1::Message message;
  message.mutable_confirm_epoch()->set_epoch(epoch_);
  message.mutable_confirm_epoch()->set_round(round_);
  context_->SendToAll(context_->ConnectedPeers(), message);
  // Questions and answers may be lost without their peer.
  if (!std::exchange(timer_set_, true)) {
    context_->SetTimer(timer_, context_->config().resend_interval);
  }
}

void ConfirmedReads::OnTimer() {
  timer_set_ = false;
  asking_ = asking_ && !reads_.empty();
  if (asking_) Ask();
}

void ConfirmedReads::OnConfirmed(NodeId from, const peer::v1::EpochConfirmed& confirmed) {
  if (!asking_ || confirmed.epoch() != epoch_ || confirmed.round() != round_) return;
  answers_.Accept(from);
  if (answers_.state() != QuorumState::kMet) return;
  asking_ = false;
  for (auto& [id, read] : reads_) {
    if (read.round > round_ || read.confirmed) continue;
    read.confirmed = true;
    read.result.answers = answers_.accepted();
  }
  FinishReady();
}

void ConfirmedReads::OnProgress() { progressed_ = true; }

void ConfirmedReads::OnDrainEnd() {
  if (std::exchange(progressed_, false)) FinishReady();
  if (asking_ || !std::exchange(wanted_, false)) return;
  ++round_;
  asking_ = true;
  answers_ = QuorumTracker(context_->quorums().n, context_->quorums().w);
  answers_.Accept(context_->config().self);
  if (answers_.state() != QuorumState::kMet) return Ask();
  // W=1: a later leader asks every node before it leads, this one among them.
  asking_ = false;
  for (auto& [id, read] : reads_) read.confirmed = true;
  FinishReady();
}

void ConfirmedReads::FinishReady() {
  const int others = context_->quorums().w - 1;
  std::vector<OperationId> ready;
  for (const auto& [id, read] : reads_) {
    const bool held = holders_(read.through) >= others || PlantedBug(Bug::kReadBeforeHeld);
    if (read.confirmed && read.durable && held) ready.push_back(id);
  }
  for (const OperationId id : ready) {
    const auto it = reads_.find(id);
    OperationResult result = std::move(it->second.result);
    Erase(it);
    finish_(id, std::move(result));
  }
}

void ConfirmedReads::Erase(absl::btree_map<OperationId, Read>::iterator it) {
  held_bytes_ -= it->second.bytes;
  reads_.erase(it);
}

void ConfirmedReads::OnExpire(OperationId id) {
  const auto it = reads_.find(id);
  if (it == reads_.end()) return;
  const Read& read = it->second;
  OperationResult result;
  result.required = context_->quorums().w;
  result.status = absl::DeadlineExceededError(
      read.confirmed
          ? absl::StrCat(
                "what the read found was on ", (read.durable ? 1 : 0) + holders_(read.through),
                " of the ", result.required,
                " replicas that must hold it, the leader among them, when its time was over")
          : absl::StrCat("the leader could not make sure in time that ", result.required,
                         " replicas, itself included, still follow it"));
  Erase(it);
  finish_(id, std::move(result));
}

void ConfirmedReads::OnCancel(OperationId id) {
  const auto it = reads_.find(id);
  if (it != reads_.end()) Erase(it);
}

void ConfirmedReads::FailAll(const absl::Status& why) {
  asking_ = wanted_ = false;
  while (!reads_.empty()) {
    const OperationId id = reads_.begin()->first;
    Erase(reads_.begin());
    finish_(id, NotSent(why));
  }
}

}  // namespace quorate
