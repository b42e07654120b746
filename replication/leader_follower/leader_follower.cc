#include "replication/leader_follower/leader_follower.h"

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

#include "replication/leader_follower/follower.h"
#include "replication/leader_follower/leader.h"
#include "replication/outcomes.h"

namespace quorate {
namespace {

// Above the roles' timers.
constexpr TimerId kSettleTimer = 8;
constexpr TimerId kReadTimer = 9;

std::unique_ptr<Role> MakeRole(StrategyContext* context) {
  if (context->config().leader) return absl::make_unique<Leader>(context);
  return absl::make_unique<Follower>(context);
}

}  // namespace

LeaderFollower::LeaderFollower(StrategyContext* context)
    : context_(context),
      role_(MakeRole(context)),
      // Followers that are behind get what they lack from the leader's sequence, not from reads.
      reads_(context, kReadTimer, [](const SettledRead&) {}) {}

Guarantee LeaderFollower::Promise(const Quorums& quorums) const {
  Guarantee guarantee;
  guarantee.keeps_acknowledged_writes = true;
  guarantee.converges = true;
  guarantee.no_stale_reads = quorums.w + quorums.r > quorums.n;
  guarantee.linearizable_on_request = true;
  guarantee.sessions = true;
  guarantee.summary =
      guarantee.no_stale_reads
          ? "regular: a read returns the latest write acknowledged before it began, or a later one"
          : "eventual: a read may miss acknowledged writes, replicas converge";
  return guarantee;
}

StrategyStatus LeaderFollower::Status() const {
  StrategyStatus status = role_->Status();
  reads_.AddCounters(&status);
  return status;
}

void LeaderFollower::OnSubmit(OperationId id, const Operation& operation) {
  absl::StatusOr<Version> session = SessionOf(operation, /*sequenced=*/true);
  if (!session.ok()) return context_->Complete(id, NotSent(session.status()));
  if (operation.is_write()) return role_->OnWrite(id, operation);
  if (!role_->KnowsItsPast() || context_->quorums().n == 0) {
    const StrategyStatus status = role_->Status();
    OperationResult refusal = NotSent(absl::UnavailableError(status.detail));
    refusal.leader = status.leader;
    return context_->Complete(id, std::move(refusal));
  }
  if (operation.linearizable) return role_->OnLinearizableRead(id, operation, *std::move(session));
  reads_.Start(id, operation, *std::move(session));
}

void LeaderFollower::OnExpire(OperationId id) {
  if (!reads_.OnExpire(id)) role_->OnExpire(id);
}

void LeaderFollower::OnCancel(OperationId id) {
  reads_.OnCancel(id);
  role_->OnCancel(id);
}

void LeaderFollower::Start() {
  context_->SetTimer(kSettleTimer, context_->config().peer_timeout);
  role_->Start();
}

void LeaderFollower::OnTimer(TimerId id) {
  if (id == kReadTimer) return reads_.OnTimer();
  if (id != kSettleTimer) return role_->OnTimer(id);
  context_->SetTimer(kSettleTimer, context_->config().peer_timeout);
  reads_.SettleOld(context_->Now() - context_->config().peer_timeout);
}

void LeaderFollower::OnPeerDown(NodeId peer) {
  reads_.OnPeerDown(peer);
  role_->OnPeerDown(peer);
}

void LeaderFollower::OnMessage(NodeId from, const peer::v1::Message& message) {
  switch (message.body_case()) {
    case peer::v1::Message::kRead:
      return reads_.Serve(from, message.read(), role_->KnowsItsPast());
    case peer::v1::Message::kReadReply:
      return reads_.OnReply(from, message.read_reply());
    default:
      return role_->OnMessage(from, message);
  }
}

}  // namespace quorate
