#include "replication/leader_follower/leader.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"

#include "replication/catch_up.h"
#include "replication/outcomes.h"
#include "replication/storage/planted_bugs.h"

namespace quorate {
namespace {

constexpr size_t kMaxMessageBytes = size_t{1} << 20;

// How long a follower may make no progress before it is sent everything again: so many times what
// an acknowledgement usually takes, averaged over about the last kSmoothing.
constexpr absl::Duration kMostPatience = absl::Seconds(2);
constexpr int kPatiencePerWait = 2;
constexpr int kSmoothing = 8;

}  // namespace

Leader::Leader(StrategyContext* context)
    : context_(context),
      highest_epoch_(context->store().state().epoch()),
      window_(context->config().max_window_bytes),
      reads_(
          context, kConfirmTimer, [this](uint64_t through) { return CountHolders(through); },
          [this](OperationId id, OperationResult result) { Finish(id, std::move(result)); }) {}

bool Leader::KnowsItsPast() const { return serving_ || !context_->MayHaveForgotten(); }

StrategyStatus Leader::Status() const {
  StrategyStatus status;
  status.role = "leader";
  status.leader = context_->config().self;
  status.epoch = epoch_;
  status.applied_number = next_number_ - 1;
  status.counters["entries_resent"] = resent_;
  status.counters["records_adopted"] = adopted_;
  status.state = serving_ ? ReplicaState::kServing : ReplicaState::kRecovering;
  if (epoch_ != 0 && !serving_) {
    status.detail = "the leader is recovering: it waits for followers to adopt its epoch";
  } else if (!serving_) {
    int heard = 0;
    for (const auto& [peer, follower] : followers_) heard += follower.compared ? 1 : 0;
    status.detail = absl::StrCat("the leader is recovering: it must compare with ",
                                 OthersToHear(context_->quorums().n, context_->quorums().w),
                                 " followers that have kept their data, or with all ",
                                 context_->quorums().n - 1, "; it has done so with ", heard);
  }
  return status;
}

void Leader::OnWrite(OperationId id, const Operation& operation) {
  if (!serving_) return Finish(id, NotSent(absl::UnavailableError(Status().detail)));
  const auto refuse = [&](OperationResult refusal) {
    if (named_.Find(operation.request) != nullptr) SpeakOfEarlierTries(&refusal);
    Finish(id, std::move(refusal));
  };
  const int required = operation.w.value_or(context_->quorums().w);
  const int live = 1 + static_cast<int>(context_->ConnectedPeers().size());
  if (live < required) return refuse(TooFewReplicas(operation, required, live));
  if (!MayAskFor(required)) {
    return refuse(NotSent(absl::UnavailableError(absl::StrCat(
        "the leader has a new epoch, and takes writes for fewer than W=", context_->quorums().w,
        " replicas once ", context_->quorums().w - 1, " followers have adopted it; ",
        CountAdopted(), " have; nothing was written"))));
  }
  const uint64_t backlog = Backlog(required);
  if (backlog >= context_->config().max_open_operations) {
    return refuse(NotSent(absl::ResourceExhaustedError(
        absl::StrCat("the followers are ", backlog, " writes behind; retry later"))));
  }
  if (!operation.request.empty() && Repeat(id, operation, required)) return;
  Record record = Record::Sequenced(epoch_, next_number_, operation.kind == OperationKind::kDelete,
                                    operation.value);
  record.siblings.front().request = operation.request;
  const Version version = record.version;
  absl::StatusOr<MergeOutcome> merged = context_->store().Merge(operation.key, std::move(record));
  if (absl::IsInvalidArgument(merged.status())) return Finish(id, NotSent(merged.status()));
  if (!merged.ok()) return context_->FailStop(merged.status());
  CHECK(merged->changed) << "a number that the store knows already";
  if (!operation.request.empty()) named_.Add(operation, ResultOf(version));
  Replicate(id, operation.key, version, std::string(merged->encoded), required);
}

void Leader::Replicate(OperationId id, std::string key, const Version& version, std::string record,
                       int required) {
  const int acks = PlantedBug(Bug::kAnswerBeforeW) ? std::max(1, required - 1) : required;
  writes_.emplace(next_number_,
                  PendingWrite{id, version, QuorumTracker(context_->quorums().n, acks)});
  numbers_[id] = next_number_;
  Append(std::move(key), std::move(record));
}

bool Leader::Repeat(OperationId id, const Operation& operation, int required) {
  if (PlantedBug(Bug::kRepeatWritesAgain)) return false;
  if (const NamedWrite* known = named_.Find(operation.request)) {
    FinishNamed(id, *known, operation, required);
    return true;
  }
  if (!operation.repeat) return false;
  // Of an earlier life of the leader.
  absl::StatusOr<std::optional<Record>> own = context_->store().Get(operation.key);
  if (!own.ok()) {
    context_->FailStop(own.status());
    return true;
  }
  const Sibling* found = own->has_value() ? FindNamed(**own, operation.request) : nullptr;
  if (found == nullptr) {
    Finish(id, NothingToRepeat());
  } else {
    FinishNamed(id, FoundWrite(operation.key, **own, *found), operation, required);
  }
  return true;
}

void Leader::FinishNamed(OperationId id, const NamedWrite& write, const Operation& operation,
                         int required) {
  const absl::Status same = write.CheckRepeats(operation);
  if (!same.ok()) return Finish(id, NotSent(same));
  absl::StatusOr<std::optional<Record>> own = context_->store().Get(write.key);
  if (!own.ok()) return context_->FailStop(own.status());
  // A place of its own in the sequence: whoever has come so far knows of the write.
  if (!own->has_value()) {
    return context_->FailStop(absl::DataLossError("a key that this leader has written is gone"));
  }
  Replicate(id, write.key, write.result.record->version, (*own)->Encode(), required);
}

void Leader::OnLinearizableRead(OperationId id, const Operation& operation, Version session) {
  if (!serving_) return Finish(id, NotSent(absl::UnavailableError(Status().detail)));
  reads_.Start(id, operation, std::move(session), epoch_, next_number_ - 1);
}

int Leader::CountHolders(uint64_t through) const {
  int holders = 0;
  for (const auto& [peer, follower] : followers_) {
    holders += follower.attached && follower.base == 0 && follower.through >= through ? 1 : 0;
  }
  return holders;
}

void Leader::Append(std::string key, std::string record) {
  window_.Append(next_number_, std::move(key), std::move(record));
  ++next_number_;
}

void Leader::Finish(OperationId id, OperationResult result) {
  const auto it = origins_.find(id);
  if (it == origins_.end()) return context_->Complete(id, std::move(result));
  peer::v1::Message message;
  peer::v1::ForwardReply* reply = message.mutable_forward_reply();
  reply->set_operation(it->second.operation);
  reply->set_code(static_cast<int>(result.status.code()));
  reply->set_error(std::string(result.status.message()));
  reply->set_may_have_applied(result.may_have_applied);
  reply->set_acks(result.answers);
  reply->set_required(result.required);
  if (it->second.read) {
    reply->set_found(result.record.has_value());
    if (result.record.has_value()) reply->set_record(result.record->Encode());
  } else if (result.record.has_value()) {
    result.record->version.ToProto(reply->mutable_version());
  }
  context_->Send(it->second.peer, message);
  origins_.erase(it);
}

void Leader::OnForward(NodeId from, const peer::v1::Forward& forward) {
  // A bound, so that followers cannot pile up work here.
  const absl::Duration timeout =
      std::min(absl::Microseconds(forward.timeout_us()), absl::Seconds(60));
  Operation operation;
  operation.kind = forward.read()        ? OperationKind::kGet
                   : forward.tombstone() ? OperationKind::kDelete
                                         : OperationKind::kSet;
  operation.key = forward.key();
  operation.value = forward.value();
  operation.request = forward.request();
  operation.repeat = forward.repeat();
  const OperationId id = context_->OpenInternal(timeout);
  origins_[id] = Origin{from, forward.operation(), forward.read()};
  if (const int n = context_->quorums().n; forward.w() > static_cast<uint32_t>(n)) {
    return Finish(
        id,
        NotSent(absl::InvalidArgumentError(absl::StrCat("W is ", forward.w(), " but N is ", n))));
  }
  if (forward.request().size() > kMaxRequestIdBytes) {
    return Finish(id, NotSent(absl::InvalidArgumentError("the request id is too long")));
  }
  if (origins_.size() > context_->config().max_open_operations) {
    return Finish(id, NotSent(absl::ResourceExhaustedError(
                          "the leader has too many forwarded operations in flight; retry later")));
  }
  // The follower holds the answer against what the session has seen.
  if (forward.read()) return OnLinearizableRead(id, operation, Version());
  if (forward.w() != 0) operation.w = static_cast<int>(forward.w());
  OnWrite(id, operation);
}

void Leader::OnExpire(OperationId id) {
  reads_.OnExpire(id);
  const auto it = numbers_.find(id);
  if (it == numbers_.end()) return;
  const PendingWrite& write = writes_.at(it->second);
  // The entry stays in the sequence and goes on to the followers: a write is never rolled back.
  Finish(id, UnknownOutcome(absl::StatusCode::kDeadlineExceeded, write.acks, "its time was over"));
  OnCancel(id);
}

void Leader::OnPeerUp(NodeId peer) {
  Follower& follower = followers_[peer];
  const Incarnation incarnation = context_->PeerIncarnation(peer);
  if (follower.incarnation != incarnation) follower = Follower();
  follower.incarnation = incarnation;
  follower.connected = true;
  CompareWithNext();
}

void Leader::OnPeerDown(NodeId peer) {
  followers_[peer].connected = false;
  followers_[peer].attached = false;
}

void Leader::OnMessage(NodeId from, const peer::v1::Message& message) {
  if (message.has_replicate_ack()) OnAck(from, message.replicate_ack());
  if (message.has_forward()) OnForward(from, message.forward());
  if (message.has_epoch_confirmed()) OnEpochConfirmed(from, message.epoch_confirmed());
}

void Leader::OnEpochConfirmed(NodeId from, const peer::v1::EpochConfirmed& confirmed) {
  if (!serving_ || confirmed.epoch() != epoch_) return;
  OnAck(from, confirmed.ack());
  reads_.OnConfirmed(from, confirmed);
}

void Leader::OnPong(NodeId from, const peer::v1::Pong& pong) {
  const auto it = followers_.find(from);
  if (it == followers_.end()) return;
  CompareWithNext();
  if (!IsPlausible(pong.highest_epoch(), /*number=*/0)) return;  // a broken peer
  it->second.highest_epoch = pong.highest_epoch();
  highest_epoch_ = std::max(highest_epoch_, pong.highest_epoch());
  if (epoch_ == 0) return TryClaimEpoch();
  if (highest_epoch_ > epoch_) return serving_ ? Abdicate(highest_epoch_) : ClaimEpoch();
  TryServe();
  widely_adopted_ = widely_adopted_ || CountAdopted() >= context_->quorums().w - 1;
  OnAck(from, pong.ack());
}

void Leader::FillPing(peer::v1::Ping* ping) {
  peer::v1::LeaderState* state = ping->mutable_leader();
  state->set_epoch(epoch_);
  state->set_window_first(window_.first());
  state->set_serving(serving_);
  state->set_n(context_->quorums().n);
  state->set_w(context_->quorums().w);
  state->set_r(context_->quorums().r);
  for (const peer::v1::MemberAddress& member : context_->Members()) *state->add_members() = member;
}

void Leader::FillCompareStart(NodeId to, peer::v1::CompareReply* reply) {
  if (!serving_) return;
  reply->set_epoch(epoch_);
  const uint64_t last = next_number_ - 1;
  reply->set_as_of(last);
  // The follower gets the suffix as it comes, while it pulls what came before.
  const auto it = followers_.find(to);
  if (it == followers_.end() || !it->second.connected) return;
  Attach(&it->second, last, last);
}

void Leader::OnAck(NodeId from, const peer::v1::ReplicateAck& ack) {
  const auto it = followers_.find(from);
  if (!serving_ || it == followers_.end() || ack.epoch() != epoch_) return;
  Follower& follower = it->second;
  // A number that there is not yet is no follower's of this sequence.
  if (!follower.connected || ack.through() >= next_number_) return;
  if (!follower.attached) {
    if (ack.through() + 1 < window_.first()) return;  // it will catch up
    Attach(&follower, ack.base(), ack.through());
    follower.through = ack.base();  // so that all of it is counted below
  }
  if (ack.through() < follower.through) {
    // Overtaken by a later one, unless the follower's catch-up began at an earlier place than the
    // last one that was answered: then it asks for what follows that place. All it says is true.
    if (!ack.resend() || ack.through() + 1 < window_.first()) return;
    follower.base = ack.base();
    follower.through = ack.through();
    follower.next = ack.through() + 1;
    follower.timed = 0;
    return;
  }
  // Where catch-up has moved the base, numbers below what was counted may be new.
  Acknowledge(from, ack.base() == follower.base ? follower.through : ack.base(), ack.through());
  follower.base = ack.base();
  follower.through = ack.through();
  follower.next = std::max(follower.next, follower.through + 1);
  TakeTime(&follower);
  reads_.OnProgress();
  if (ack.resend()) Rewind(&follower);
}

void Leader::Attach(Follower* follower, uint64_t base, uint64_t through) {
  follower->attached = true;
  follower->base = base;
  follower->through = follower->through_at_rewind = follower->sent = through;
  follower->next = through + 1;
  follower->timed = 0;
  follower->rewound = context_->Now();
  follower->patience = UsualPatience(*follower);
}

absl::Duration Leader::UsualPatience(const Follower& follower) const {
  return std::max(context_->config().resend_interval,
                  std::min(kPatiencePerWait * follower.usual_wait, kMostPatience));
}

void Leader::TakeTime(Follower* follower) {
  if (follower->timed == 0 || follower->through < follower->timed) return;
  follower->timed = 0;
  // Growing at once and falling slowly: to be impatient costs more than to be patient.
  const absl::Duration wait = context_->Now() - follower->timed_since;
  follower->usual_wait =
      std::max(wait, follower->usual_wait + (wait - follower->usual_wait) / kSmoothing);
  follower->patience = UsualPatience(*follower);
}

uint64_t Leader::Backlog(int required) const {
  if (required <= 1) return 0;
  absl::InlinedVector<uint64_t, 8> held;
  for (const auto& [peer, follower] : followers_) {
    if (follower.attached) held.push_back(follower.through);
  }
  const auto others = static_cast<size_t>(required - 1);
  if (held.size() < others) return 0;
  std::sort(held.begin(), held.end());
  return next_number_ - 1 - std::min(next_number_ - 1, held[held.size() - others]);
}

OperationResult Leader::ResultOf(const Version& version) const {
  OperationResult result;
  result.node = context_->config().self;
  result.record = Record{version, {}};
  result.order = OrderOf(version, Sibling());
  return result;
}

void Leader::Acknowledge(NodeId node, uint64_t base, uint64_t through) {
  auto it = writes_.upper_bound(base);
  while (it != writes_.end() && it->first <= through) {
    PendingWrite& write = it->second;
    write.acks.Accept(node);
    if (write.acks.state() != QuorumState::kMet) {
      ++it;
      continue;
    }
    OperationResult result = ResultOf(write.version);
    result.answers = write.acks.accepted();
    result.required = write.acks.required();
    Finish(write.id, std::move(result));
    numbers_.erase(write.id);
    it = writes_.erase(it);
  }
}

void Leader::OnTimer(TimerId id) {
  if (id == kScanTimer) return ScanOwnStore();
  if (id == kConfirmTimer) return reads_.OnTimer();
  context_->SetTimer(kResendTimer, context_->config().resend_interval);
  for (auto& [peer, follower] : followers_) {
    if (!follower.attached || follower.next <= follower.through + 1) continue;
    if (follower.through != follower.through_at_rewind) {
      // Progress: what is missing now was sent after this, or is seen to be missing at the next
      // turn.
      follower.through_at_rewind = follower.through;
      follower.rewound = context_->Now();
      continue;
    }
    Rewind(&follower);
  }
}

void Leader::Rewind(Follower* follower) {
  // Once for each place and ever more patiently: a slow path must not be filled with repeats.
  const MonotonicTime now = context_->Now();
  if (follower->through == follower->through_at_rewind) {
    if (now - follower->rewound < follower->patience) return;
    follower->patience = std::min(2 * follower->patience, kMostPatience);
  }
  follower->timed = 0;
  follower->through_at_rewind = follower->through;
  follower->rewound = now;
  if (follower->next <= follower->through + 1) return;
  resent_ += follower->next - follower->through - 1;
  follower->next = follower->through + 1;
}

void Leader::OnCancel(OperationId id) {
  reads_.OnCancel(id);
  // The entry stays in the sequence and goes on to the followers; nobody waits for the result.
  const auto it = numbers_.find(id);
  if (it == numbers_.end()) return;
  writes_.erase(it->second);
  numbers_.erase(it);
}

void Leader::OnDrainEnd() {
  if (!serving_) return;
  const uint64_t last = next_number_ - 1;
  if (last > durable_scheduled_) {
    durable_scheduled_ = last;
    context_->WhenDurable([this, last, epoch = epoch_] {
      if (epoch == epoch_) Acknowledge(context_->config().self, 0, last);
    });
  }
  SendEntries();
  reads_.OnDrainEnd();
}

void Leader::SendEntries() {
  // Followers that are at the same place get one message, encoded once.
  absl::btree_map<uint64_t, std::vector<NodeId>> places;
  for (const auto& [peer, follower] : followers_) {
    if (!follower.attached || follower.next < window_.first()) continue;
    if (follower.next < next_number_) places[follower.next].push_back(peer);
  }
  for (auto& [place, peers] : places) {
    uint64_t next = place;
    while (next < next_number_) {
      const auto full = [this, next](NodeId peer) { return Full(followers_.at(peer), next); };
      peers.erase(std::remove_if(peers.begin(), peers.end(), full), peers.end());
      if (peers.empty()) break;
      peer::v1::Message message;
      message.mutable_replicate()->set_epoch(epoch_);
      next = window_.Copy(next, kMaxMessageBytes, message.mutable_replicate());
      context_->SendToAll(peers, message);
      for (const NodeId peer : peers) {
        Follower& follower = followers_.at(peer);
        follower.next = next;
        if (next - 1 <= follower.sent) continue;
        follower.sent = next - 1;
        if (follower.timed != 0) continue;
        follower.timed = next - 1;
        follower.timed_since = context_->Now();
      }
    }
  }
}

bool Leader::Full(const Follower& follower, uint64_t next) const {
  // One entry, however large, may always be on its way.
  return next > follower.through + 1 && window_.Bytes(follower.through + 1, next + 1) >
                                            context_->config().max_unacknowledged_bytes;
}

}  // namespace quorate
