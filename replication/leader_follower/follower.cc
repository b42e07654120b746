#include "replication/leader_follower/follower.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "replication/catch_up.h"
#include "replication/outcomes.h"
#include "replication/storage/planted_bugs.h"

namespace quorate {
namespace {

// The leader gives up a forwarded write a little before this node does, so that its answer arrives.
constexpr double kForwardedShare = 0.9;

}  // namespace

Follower::Follower(StrategyContext* context)
    : context_(context),
      epoch_(context->store().state().epoch()),
      epoch_leader_(context->store().state().leader()),
      durable_epoch_(epoch_),
      knows_past_(!context->MayHaveForgotten()) {
  const uint64_t through = context->store().state().through();
  if (!knows_past_ || through == 0) return;
  attached_ = caught_up_ = true;
  held_ = durable_ = Held{0, through};
  scheduled_ = through;
}

StrategyStatus Follower::Status() const {
  StrategyStatus status;
  status.role = "follower";
  status.leader = leader_;
  status.epoch = epoch_;
  status.applied_number = held_.through;
  status.counters["forwarded_in_flight"] = forwards_.size();
  if (leader_ == 0) {
    status.state = ReplicaState::kWaiting;
    status.detail = "no leader has called yet";
  } else if (!knows_past_ || !caught_up_) {
    status.state = ReplicaState::kSyncing;
    status.detail = leader_recovering_
                        ? absl::StrCat("the leader, node ", leader_, ", is recovering")
                        : absl::StrCat("this node is catching up with the leader, node ", leader_,
                                       ", and may lack what was written before it started");
  }
  return status;
}

void Follower::OnWrite(OperationId id, const Operation& operation) {
  OperationResult refusal;
  refusal.leader = leader_;
  if (leader_ == 0) {
    refusal.status = absl::UnavailableError("no leader has called yet");
  } else if (!context_->config().forward_writes) {
    refusal.status = absl::FailedPreconditionError(
        absl::StrCat("this node is a follower; write to the leader, node ", leader_));
  } else if (!context_->Connected(leader_)) {
    refusal.status = absl::UnavailableError(
        absl::StrCat("the leader, node ", leader_, ", cannot be reached; nothing was written"));
  }
  if (!refusal.status.ok()) return context_->Complete(id, std::move(refusal));
  ForwardToLeader(id, operation, Version());
}

void Follower::OnLinearizableRead(OperationId id, const Operation& operation, Version session) {
  if (context_->Connected(leader_)) return ForwardToLeader(id, operation, std::move(session));
  OperationResult refusal = NotSent(absl::UnavailableError(absl::StrCat(
      "a linearizable read needs the leader, node ", leader_, ", which this node cannot reach")));
  refusal.leader = leader_;
  context_->Complete(id, std::move(refusal));
}

void Follower::ForwardToLeader(OperationId id, const Operation& operation, Version session) {
  forwards_[id] = Forwarded{!operation.is_write(), operation.w.value_or(0), std::move(session)};
  peer::v1::Message message;
  peer::v1::Forward* forward = message.mutable_forward();
  forward->set_operation(id);
  forward->set_key(operation.key);
  forward->set_value(operation.value);
  forward->set_read(!operation.is_write());
  forward->set_tombstone(operation.kind == OperationKind::kDelete);
  forward->set_w(static_cast<uint32_t>(operation.w.value_or(0)));
  forward->set_request(operation.request);
  forward->set_repeat(operation.repeat);
  forward->set_timeout_us(
      static_cast<uint64_t>(absl::ToInt64Microseconds(operation.timeout * kForwardedShare)));
  context_->Send(leader_, message);
}

void Follower::OnForwardReply(const peer::v1::ForwardReply& reply) {
  const auto it = forwards_.find(reply.operation());
  if (it == forwards_.end()) return;
  const bool read = it->second.read;
  const Version session = std::move(it->second.session);
  forwards_.erase(it);
  OperationResult result;
  result.status = absl::Status(static_cast<absl::StatusCode>(reply.code()), reply.error());
  result.may_have_applied = reply.may_have_applied() && !read;
  result.node = leader_;
  result.leader = leader_;
  result.answers = static_cast<int>(reply.acks());
  result.required = static_cast<int>(reply.required());
  if (result.status.ok() && read) {
    if (!FillRead(reply, session, &result)) return;
  } else if (result.status.ok()) {
    absl::StatusOr<Version> version = Version::FromProto(reply.version());
    // A broken leader: the deadline will tell that the outcome is unknown.
    if (!version.ok() || !version->sequenced()) return;
    result.order = OrderOf(*version, Sibling());
    result.record = Record{*std::move(version), {}};
  }
  context_->Complete(reply.operation(), std::move(result));
}

bool Follower::FillRead(const peer::v1::ForwardReply& reply, const Version& session,
                        OperationResult* result) {
  if (reply.found()) {
    absl::StatusOr<Record> record = Record::Decode(reply.record());
    if (!record.ok()) return false;
    result->order = OrderOf(*record);
    result->record = *std::move(record);
  }
  const absl::Status known =
      CheckKnowsSession(result->record.has_value() ? result->record->version : Version(), session);
  if (!known.ok()) *result = NotSent(known);
  return true;
}

OperationResult Follower::Unanswered(const Forwarded& forwarded, absl::StatusCode code,
                                     absl::string_view what) const {
  OperationResult result;
  result.status =
      absl::Status(code, absl::StrCat("the leader, node ", leader_, ", ", what,
                                      forwarded.read ? "" : "; the write may still take effect"));
  result.may_have_applied = !forwarded.read;
  result.leader = leader_;
  result.required = forwarded.w != 0 ? forwarded.w : context_->quorums().w;
  return result;
}

void Follower::OnExpire(OperationId id) {
  const auto it = forwards_.find(id);
  if (it == forwards_.end()) return;
  const Forwarded forwarded = it->second;
  forwards_.erase(it);
  context_->Complete(
      id, Unanswered(forwarded, absl::StatusCode::kDeadlineExceeded, "has not answered in time"));
}

void Follower::OnPeerUp(NodeId) {}

void Follower::OnPeerDown(NodeId peer) {
  if (peer != leader_) return;
  // Answers of a lost session never arrive.
  for (const auto& [id, forwarded] : std::exchange(forwards_, {})) {
    context_->Complete(id,
                       Unanswered(forwarded, absl::StatusCode::kUnavailable, "was lost meanwhile"));
  }
}

void Follower::OnConfirmEpoch(NodeId from, const peer::v1::ConfirmEpoch& question) {
  // Only what was adopted for good counts: a later leader may have heard this node without it.
  if (from != leader_ || question.epoch() != epoch_ || durable_epoch_ != epoch_) return;
  peer::v1::Message message;
  peer::v1::EpochConfirmed* confirmed = message.mutable_epoch_confirmed();
  confirmed->set_epoch(epoch_);
  confirmed->set_round(question.round());
  FillAck(confirmed->mutable_ack());
  context_->Send(from, message);
}

void Follower::OnPing(NodeId from, const peer::v1::Ping& ping) {
  if (!ping.has_leader()) return;
  const peer::v1::LeaderState& state = ping.leader();
  if (!IsPlausible(state.epoch(), /*number=*/0)) return;  // a broken leader
  if (state.epoch() == 0 && (leader_ == 0 || leader_ == from)) {
    leader_ = from;
    leader_recovering_ = true;
    AdoptConfiguration(state);
    return;
  }
  // One leader an epoch, and never a lower epoch; the pong tells the sender of the higher one.
  if (state.epoch() < epoch_ || (state.epoch() == epoch_ && from != epoch_leader_)) return;
  leader_ = from;
  leader_recovering_ = !state.serving();
  AdoptConfiguration(state);
  if (state.epoch() > epoch_) AdoptEpoch(from, state.epoch());
  if (leader_recovering_) return;
  const bool missed = attached_ && held_.through + 1 < state.window_first();
  if (missed) {
    // Also where a pull is under way: it began before what is missing now.
    attached_ = caught_up_ = false;
    context_->Log("the leader's window has passed this node: catching up anew");
    context_->catch_up().Restart(leader_);
  }
  if (!caught_up_) context_->catch_up().Pull(leader_);
}

void Follower::AdoptConfiguration(const peer::v1::LeaderState& state) {
  const Quorums quorums{static_cast<int>(state.n()), static_cast<int>(state.w()),
                        static_cast<int>(state.r())};
  if (!ValidateQuorums(quorums).ok()) return;
  context_->SetQuorums(quorums);
  peer::v1::LeaderState only_members;
  *only_members.mutable_members() = state.members();
  std::string members = only_members.SerializeAsString();
  if (members == members_) return;
  members_ = std::move(members);
  context_->LearnMembers({state.members().begin(), state.members().end()});
}

void Follower::AdoptEpoch(NodeId leader, uint64_t epoch) {
  epoch_ = epoch;
  epoch_leader_ = leader;
  attached_ = caught_up_ = false;
  held_ = durable_ = Held();
  scheduled_ = 0;
  context_->Log(absl::StrCat("following node ", leader, " in epoch ", epoch));
  context_->catch_up().Stop(leader);  // a pull under way belongs to an earlier epoch
  StoredState state = context_->store().state();
  state.set_epoch(epoch);
  state.set_leader(leader);
  state.set_through(0);
  context_->store().SetState(std::move(state));
  context_->WhenDurable([this, epoch] {
    durable_epoch_ = std::max(durable_epoch_, epoch);
    // Not to lose a heartbeat's time.
    peer::v1::Message message;
    FillPong(message.mutable_pong());
    context_->Send(epoch_leader_, message);
  });
}

void Follower::StoreProgress() {
  if (held_.base != 0) return;
  StoredState state = context_->store().state();
  state.set_through(held_.through);
  context_->store().SetState(std::move(state));
}

void Follower::OnPullStarted(NodeId from, const peer::v1::CompareReply& first_page) {
  // A page of another epoch: the next ping starts anew.
  if (from != leader_ || first_page.epoch() != epoch_) {
    attached_ = false;
    return;
  }
  attached_ = true;
  held_ = durable_ = Held{first_page.as_of(), first_page.as_of()};
  scheduled_ = first_page.as_of();
  if (PlantedBug(Bug::kCaughtUpBeforePulled)) {
    held_.base = durable_.base = 0;
    knows_past_ = caught_up_ = true;
  }
}

void Follower::OnPulledRecord(NodeId, absl::string_view key, const Record& record) {
  if (!record.version.sequenced()) return;
  const absl::StatusOr<MergeOutcome> merged = context_->store().Merge(key, record);
  if (!merged.ok() && !absl::IsInvalidArgument(merged.status())) {
    context_->FailStop(merged.status());
  }
}

void Follower::OnPullDone(NodeId from, bool source_was_syncing) {
  if (from != leader_ || !attached_) return;
  if (source_was_syncing) return context_->catch_up().Restart(from);
  held_.base = 0;
  pull_finished_ = true;
  if (!caught_up_) context_->Log(absl::StrCat("caught up with node ", from));
  caught_up_ = true;
}

void Follower::OnMessage(NodeId from, const peer::v1::Message& message) {
  if (message.has_replicate()) OnReplicate(from, message.replicate());
  if (message.has_confirm_epoch()) OnConfirmEpoch(from, message.confirm_epoch());
  if (message.has_forward_reply() && from == leader_) OnForwardReply(message.forward_reply());
}

void Follower::OnReplicate(NodeId from, const peer::v1::Replicate& replicate) {
  if (from != leader_ || replicate.epoch() != epoch_ || !attached_) return;
  for (const peer::v1::LogEntry& entry : replicate.entries()) {
    if (entry.number() <= held_.through) {
      ack_due_ = true;  // the leader sends again what it has no acknowledgement for
      continue;
    }
    absl::StatusOr<Record> record = Record::Decode(entry.record());
    const bool follows = entry.number() == held_.through + 1 || PlantedBug(Bug::kAcceptGaps);
    if (!follows || !record.ok() || !record->version.sequenced()) {
      resend_due_ = true;
      return;
    }
    const absl::StatusOr<MergeOutcome> merged =
        context_->store().Merge(entry.key(), *std::move(record));
    if (absl::IsInvalidArgument(merged.status())) return;  // a broken leader
    if (!merged.ok()) return context_->FailStop(merged.status());
    held_.through = entry.number();
  }
}

void Follower::OnDrainEnd() {
  if (held_.through != scheduled_ || pull_finished_) {
    scheduled_ = held_.through;
    StoreProgress();
    context_->WhenDurable([this, epoch = epoch_, held = held_, complete = pull_finished_] {
      knows_past_ = knows_past_ || complete;
      // A pull that has started since says what is held now.
      if (epoch != epoch_ || held.through < durable_.through) return;
      if (held.base != 0 && held.base != durable_.base) return;
      durable_ = held;
      ack_due_ = true;
    });
    pull_finished_ = false;
  }
  const MonotonicTime now = context_->Now();
  const bool ask_resend =
      resend_due_ && now - last_resend_request_ >= context_->config().resend_interval / 4;
  if (!ack_due_ && !ask_resend) return;
  if (ask_resend) last_resend_request_ = now;
  peer::v1::Message message;
  FillAck(message.mutable_replicate_ack());
  message.mutable_replicate_ack()->set_resend(ask_resend);
  context_->Send(leader_, message);
  ack_due_ = false;
  resend_due_ = resend_due_ && !ask_resend;
}

void Follower::FillPong(peer::v1::Pong* pong) {
  pong->set_highest_epoch(durable_epoch_);
  FillAck(pong->mutable_ack());
}

void Follower::FillAck(peer::v1::ReplicateAck* ack) {
  if (!attached_) return;
  ack->set_epoch(epoch_);
  ack->set_base(durable_.base);
  ack->set_through(durable_.through);
}

}  // namespace quorate
