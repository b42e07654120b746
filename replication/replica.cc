#include "replication/replica.h"

#include "absl/strings/str_cat.h"
#include "glog/logging.h"

#include "replication/outcomes.h"
#include "replication/registry.h"
#include "replication/storage/planted_bugs.h"

namespace quorate {
namespace {

// Timers of the replica itself; a strategy's timers follow.
constexpr TimerId kHeartbeatTimer = 0;
constexpr TimerId kCatchUpTimer = 1;
constexpr TimerId kFirstStrategyTimer = 16;

// What waits for the disk takes so much, values apart.
constexpr size_t kWaiterBytes = 256;

// Requests go out on this node's own session, replies on the peer's (proto/peer.proto, Batch).
bool IsReply(const peer::v1::Message& message) {
  switch (message.body_case()) {
    case peer::v1::Message::kPong:
    case peer::v1::Message::kReplicateAck:
    case peer::v1::Message::kReadReply:
    case peer::v1::Message::kForwardReply:
    case peer::v1::Message::kCompareReply:
    case peer::v1::Message::kEpochConfirmed:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Replica>> Replica::Make(const ClusterConfig& config,
                                                       Incarnation incarnation, StoredState state,
                                                       StorageEngine* engine, Env* env) {
  const absl::Status valid = Validate(config);
  if (!valid.ok()) return valid;
  const bool learns_quorums = StrategyHasLeader(config.strategy) && !config.leader;
  if (config.quorums.n == 0 && !learns_quorums) return ValidateQuorums(config.quorums);
  auto replica = absl::WrapUnique(new Replica(config, incarnation, std::move(state), engine, env));
  absl::StatusOr<std::unique_ptr<Strategy>> strategy = MakeStrategy(config.strategy, replica.get());
  if (!strategy.ok()) return strategy.status();
  replica->strategy_ = *std::move(strategy);
  replica->catch_up_.SetStrategy(replica->strategy_.get());
  return replica;
}

Replica::Replica(const ClusterConfig& config, Incarnation incarnation, StoredState state,
                 StorageEngine* engine, Env* env)
    : config_(config),
      incarnation_(incarnation),
      may_have_forgotten_(!state.complete()),
      env_(env),
      quorums_(config.quorums),
      store_(engine, std::move(state)),
      sessions_(&config_, incarnation, env, this),
      catch_up_(this,
                [env](absl::Duration after) { env->SetTimer(kCatchUpTimer, env->Now() + after); }) {
}

void Replica::Start() {
  strategy_->Start();
  env_->SetTimer(kHeartbeatTimer, env_->Now() + config_.heartbeat_interval);
}

// The clock stands still in a drain (Env::Now), so one look at it is enough.
void Replica::BeginEvent() {
  if (drain_events_++ == 0 && failed_.ok()) sessions_.GiveUpSilent();
}

void Replica::Submit(OperationId id, Operation operation) {
  CHECK_LT(id, kFirstInternalId);
  BeginEvent();
  drain_bytes_ += operation.key.size() + operation.value.size();
  const OpenOperation opened{operation.is_write(), operation.is_write() && operation.repeat,
                             Version()};
  if (open_.size() >= config_.max_open_operations) {
    OperationResult refusal = NotSent(absl::ResourceExhaustedError(absl::StrCat(
        "this node has ", open_.size(), " operations in flight, its limit; retry later")));
    if (opened.repeat) SpeakOfEarlierTries(&refusal);
    results_.emplace_back(id, std::move(refusal));
    return;
  }
  const auto [open, added] = open_.emplace(id, opened);
  CHECK(added) << "operation id used twice";
  if (!failed_.ok()) return Complete(id, NotSent(failed_));
  const absl::Status valid = ValidateOperation(operation);
  if (!valid.ok()) return Complete(id, NotSent(valid));
  if (operation.is_write()) {
    open->second.session = *ParseContextToken(operation.key, operation.session);
  }
  if (operation.kind == OperationKind::kLocalRead) return LocalRead(id, operation);
  const bool late = PlantedBug(Bug::kEndLate);
  env_->ExpireAt(id, env_->Now() + (late ? 2 * operation.timeout : operation.timeout));
  strategy_->OnSubmit(id, operation);
}

void Replica::TellSession(const OpenOperation& operation, OperationResult* result) {
  if (!result->status.ok() || SeenBySession(*result).Descends(operation.session)) return;
  Version seen = operation.session;
  if (!seen.sequenced()) seen.Join(SeenBySession(*result));
  result->session = std::move(seen);
}

absl::Status Replica::ValidateOperation(const Operation& operation) const {
  if (operation.key.empty()) return absl::InvalidArgumentError("key is empty");
  if (operation.key.size() > config_.max_key_bytes) {
    return absl::InvalidArgumentError(absl::StrCat("key has ", operation.key.size(),
                                                   " bytes; the limit is ", config_.max_key_bytes));
  }
  if (operation.value.size() > config_.max_value_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "value has ", operation.value.size(), " bytes; the limit is ", config_.max_value_bytes));
  }
  if (operation.timeout <= absl::ZeroDuration()) {
    return absl::DeadlineExceededError("the deadline has passed before the operation began");
  }
  Quorums wanted = quorums_;
  if (wanted.n > 0) {
    wanted.w = operation.w.value_or(wanted.w);
    wanted.r = operation.r.value_or(wanted.r);
    const absl::Status quorums = ValidateQuorums(wanted);
    if (!quorums.ok()) return quorums;
  } else if (operation.w.value_or(1) < 1 || operation.r.value_or(1) < 1) {
    return absl::InvalidArgumentError("W and R must be at least 1");
  }
  if (operation.request.size() > kMaxRequestIdBytes) {
    return absl::InvalidArgumentError(absl::StrCat("the request id has ", operation.request.size(),
                                                   " bytes; the limit is ", kMaxRequestIdBytes));
  }
  if (operation.repeat && operation.request.empty()) {
    return absl::InvalidArgumentError("only a write with a request id can be repeated");
  }
  if (operation.linearizable && operation.r.has_value()) {
    return absl::InvalidArgumentError(
        "a linearizable read is answered by a majority or the leader: leave R out");
  }
  if (operation.linearizable && !strategy_->Promise(quorums_).linearizable_on_request) {
    return absl::FailedPreconditionError(
        "this cluster has no linearizable reads: a leaderless one must be started with "
        "--write_mode=linearizable");
  }
  if (operation.kind == OperationKind::kLocalRead && !operation.session.empty()) {
    return absl::InvalidArgumentError(
        "a local read returns what one node has, whatever its session has seen: leave the session "
        "out, or read through a quorum");
  }
  for (const auto& [name, token] :
       {std::pair("context", &operation.context), std::pair("session", &operation.session)}) {
    const absl::Status parsed = ParseContextToken(operation.key, *token).status();
    if (!parsed.ok()) return absl::InvalidArgumentError(absl::StrCat(name, ": ", parsed.message()));
  }
  return absl::OkStatus();
}

void Replica::LocalRead(OperationId id, const Operation& operation) {
  if (!strategy_->KnowsItsPast()) {
    return Complete(id, NotSent(absl::UnavailableError(strategy_->Status().detail)));
  }
  absl::StatusOr<std::optional<Record>> record = store_.Get(operation.key);
  if (!record.ok()) {
    FailStop(record.status());
    return Complete(id, NotSent(failed_));
  }
  const size_t bytes = record->has_value() ? (*record)->ValueBytes() : 0;
  OperationResult result = OwnAnswer(config_.self, *std::move(record));
  if (IsDurable(operation.key)) return Complete(id, std::move(result));
  if (waiting_bytes_ >= config_.max_read_bytes) {
    return Complete(id, NotSent(TooMuchHeld(waiting_bytes_)));
  }
  env_->ExpireAt(id, env_->Now() + operation.timeout);
  WhenDurable([this, id, result = std::move(result)]() mutable { Complete(id, std::move(result)); },
              bytes);
}

void Replica::Cancel(OperationId id, const absl::Status& why) {
  BeginEvent();
  const auto it = open_.find(id);
  if (it == open_.end()) return;
  OperationResult result;
  result.status = why;
  result.may_have_applied = it->second.write;
  Complete(id, std::move(result));
  strategy_->OnCancel(id);
}

void Replica::Receive(const peer::v1::Batch& batch) {
  BeginEvent();
  if (!failed_.ok()) return;
  for (const std::string& message : batch.messages()) drain_bytes_ += message.size();
  sessions_.Receive(batch);
}

void Replica::Link(NodeId peer, bool up) {
  BeginEvent();
  if (peer == config_.self || peer == 0) return;
  sessions_.Link(peer, up);
}

void Replica::FireTimer(TimerId id) {
  BeginEvent();
  if (!failed_.ok()) return;
  if (id >= kFirstStrategyTimer) return strategy_->OnTimer(id - kFirstStrategyTimer);
  if (id == kCatchUpTimer) return catch_up_.OnTimer();
  sessions_.Tick();
  catch_up_.Tick();
  env_->SetTimer(kHeartbeatTimer, env_->Now() + config_.heartbeat_interval);
}

void Replica::Expire(OperationId id) {
  BeginEvent();
  strategy_->OnExpire(id);
  const auto it = open_.find(id);
  if (it == open_.end()) return;
  // A read that waits for its own node's disk, or a strategy that has lost track: time is over.
  OperationResult result;
  result.status = absl::DeadlineExceededError("the operation was not finished in time");
  result.may_have_applied = it->second.write;
  Complete(id, std::move(result));
}

void Replica::Durable(SyncTicket ticket, const absl::Status& status) {
  BeginEvent();
  if (!status.ok()) return FailStop(status);
  durable_ticket_ = std::max(durable_ticket_, ticket);
  RunDurable();
}

void Replica::RunDurable() {
  while (!waiting_.empty() && waiting_.front().ticket <= durable_ticket_) {
    const Waiting durable = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= durable.bytes;
    for (const std::function<void()>& action : durable.then) action();
  }
}

bool Replica::DrainFull() const {
  return drain_events_ >= kDrainEvents || drain_bytes_ + store_.pending_bytes() >= kDrainBytes;
}

// From now on a crash takes nothing away that this node has acknowledged.
void Replica::NoteComplete() {
  if (store_.state().complete() || !strategy_->KnowsItsPast()) return;
  StoredState state = store_.state();
  state.set_complete(true);
  store_.SetState(std::move(state));
}

void Replica::CommitDrain() {
  const absl::Status applied = store_.Commit();
  if (!applied.ok()) return FailStop(applied);
  if (config_.durability != Durability::kSynced) {
    durable_ticket_ = last_ticket_;
  } else if (store_.applied_batches() != ticketed_batches_) {
    env_->RequestSync(++last_ticket_);
  }
  if (PlantedBug(Bug::kAcknowledgeBeforeDurable)) durable_ticket_ = last_ticket_;
  ticketed_batches_ = store_.applied_batches();
  if (this_drain_.then.empty()) return;
  this_drain_.ticket = last_ticket_;
  waiting_.push_back(std::exchange(this_drain_, Waiting()));
}

void Replica::Flush() {
  // What became durable may write again (a follower's next step), so both are repeated until still.
  do {
    if (failed_.ok()) strategy_->OnDrainEnd();
    CommitDrain();
    RunDurable();
    if (failed_.ok()) NoteComplete();
  } while (failed_.ok() && (!this_drain_.then.empty() || store_.pending_bytes() > 0));
  if (failed_.ok()) strategy_->OnDrainEnd();
  // What the store may not hold must not leave: its dots would be used again.
  if (failed_.ok()) sessions_.Flush();
  for (auto& [id, result] : results_) env_->Complete(id, std::move(result));
  results_.clear();
  drain_events_ = 0;
  drain_bytes_ = 0;
}

StrategyStatus Replica::Status() const {
  StrategyStatus status = strategy_->Status();
  if (!failed_.ok()) {
    status.state = ReplicaState::kFailed;
    status.detail = std::string(failed_.message());
  }
  status.counters["records_pulled"] = catch_up_.records_pulled();
  status.counters["records_served"] = catch_up_.records_served();
  status.counters["catch_up_bytes_sent"] = catch_up_.bytes_sent();
  status.counters["catch_up_bytes_received"] = catch_up_.bytes_received();
  status.counters["open_operations"] = open_.size();
  return status;
}

void Replica::Send(NodeId to, const peer::v1::Message& message) { SendToAll({to}, message); }

void Replica::SendToAll(const std::vector<NodeId>& peers, const peer::v1::Message& message) {
  const auto bytes = std::make_shared<const std::string>(message.SerializeAsString());
  for (const NodeId peer : peers) sessions_.Send(peer, IsReply(message), bytes);
}

void Replica::SetTimer(TimerId id, absl::Duration after) {
  env_->SetTimer(kFirstStrategyTimer + id, env_->Now() + after);
}

OperationId Replica::OpenInternal(absl::Duration timeout) {
  const OperationId id = next_internal_++;
  env_->ExpireAt(id, env_->Now() + timeout);
  return id;
}

void Replica::Complete(OperationId id, OperationResult result) {
  const auto it = open_.find(id);
  if (it == open_.end()) return;  // cancelled: nobody waits for it any more
  TellSession(it->second, &result);
  if (it->second.repeat) SpeakOfEarlierTries(&result);
  open_.erase(it);
  // Answers stay in memory until the drain has ended.
  if (result.record.has_value()) drain_bytes_ += result.record->ValueBytes();
  results_.emplace_back(id, std::move(result));
}

bool Replica::IsDurable(absl::string_view key) const {
  if (!failed_.ok() || store_.IsPending(key)) return false;
  if (config_.durability != Durability::kSynced) return true;
  if (PlantedBug(Bug::kShowBeforeDurable)) return true;
  return durable_ticket_ == last_ticket_ && ticketed_batches_ == store_.applied_batches();
}

void Replica::WhenDurable(std::function<void()> then, size_t held_bytes) {
  if (!failed_.ok()) return;
  this_drain_.then.push_back(std::move(then));
  this_drain_.bytes += kWaiterBytes + held_bytes;
  waiting_bytes_ += kWaiterBytes + held_bytes;
  drain_bytes_ += held_bytes;
}

void Replica::FailStop(const absl::Status& why) {
  if (!failed_.ok()) return;
  failed_ = absl::UnavailableError(
      absl::StrCat("this node's store has failed and must be looked at: ", why.message()));
  env_->Log(std::string(failed_.message()));
  // Their outcome is unknown, and nothing may be acknowledged any more.
  while (!open_.empty()) {
    const auto [id, operation] = *open_.begin();
    OperationResult result;
    result.status = failed_;
    result.may_have_applied = operation.write;
    Complete(id, std::move(result));
  }
  waiting_.clear();
  this_drain_ = Waiting();
  waiting_bytes_ = 0;
}

void Replica::OnSessionUp(NodeId peer) { strategy_->OnPeerUp(peer); }

void Replica::OnSessionDown(NodeId peer) {
  catch_up_.Interrupt(peer);
  strategy_->OnPeerDown(peer);
}

void Replica::FillPing(NodeId to, peer::v1::Ping* ping) {
  ping->set_syncing(!strategy_->KnowsItsPast());
  strategy_->FillPing(to, ping);
}

void Replica::OnSessionMessage(NodeId from, const peer::v1::Message& message) {
  switch (message.body_case()) {
    case peer::v1::Message::kPing: {
      strategy_->OnPing(from, message.ping());
      peer::v1::Message reply;
      strategy_->FillPong(from, reply.mutable_pong());
      return Send(from, reply);
    }
    case peer::v1::Message::kPong:
      return strategy_->OnPong(from, message.pong());
    case peer::v1::Message::kCompare:
    case peer::v1::Message::kCompareReply:
      return catch_up_.OnMessage(from, message);
    default:
      return strategy_->OnMessage(from, message);
  }
}

}  // namespace quorate
