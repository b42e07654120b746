#include "tests/sim/sim_cluster.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"

namespace quorate::sim {
namespace {

// What a trace note is about.
enum Fact : uint64_t {
  kStartFact = 1,
  kCrashFact,
  kSubmitFact,
  kCancelFact,
  kReceiveFact,
  kLinkFact,
  kTimerFact,
  kExpireFact,
  kDurableFact,
  kSendFact,
  kCompleteFact,
};

// All that a client sees of it.
uint64_t HashOf(const OperationResult& result) {
  const WriteOrder& order = result.order;
  const uint64_t parts[] = {
      result.status.ok() ? 0 : ContentHash(result.status.ToString()),
      result.record.has_value() ? ContentHash(result.record->Encode()) : 0,
      result.seen.has_value() ? ContentHash(result.seen->DebugString()) : 0,
      result.may_have_applied ? uint64_t{1} : 0,
      result.node,
      static_cast<uint64_t>(result.answers),
      static_cast<uint64_t>(result.required),
      order.major,
      order.minor,
      order.tie,
  };
  return ContentHash(absl::string_view(reinterpret_cast<const char*>(parts), sizeof(parts)));
}

uint64_t HashOf(const peer::v1::Batch& batch) {
  uint64_t hash = batch.session() * 31 + batch.sequence() + (batch.reply() ? 7 : 0);
  for (const std::string& message : batch.messages()) hash = hash * 31 + ContentHash(message);
  return hash;
}

std::string DescribeBatch(const peer::v1::Batch& batch) {
  std::string text = absl::StrCat("session ", batch.session(), " sequence ", batch.sequence(),
                                  batch.reply() ? " reply" : " request");
  for (const std::string& bytes : batch.messages()) {
    peer::v1::Message message;
    if (message.ParseFromString(bytes))
      absl::StrAppend(&text, " {", message.ShortDebugString(), "}");
  }
  return text;
}

}  // namespace

SimCluster::SimCluster(const ClusterPlan& plan, uint64_t seed, EventQueue* queue, History* history,
                       Trace* trace)
    : plan_(plan),
      queue_(queue),
      history_(history),
      trace_(trace),
      rng_(SimRng::Stream(seed, "cluster")),
      storage_rng_(SimRng::Stream(seed, "storage")),
      network_(plan.network, plan.config.quorums.n, SimRng::Stream(seed, "network"), queue, this) {
  nodes_.resize(plan.config.quorums.n);
  for (size_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    const NodeId id = static_cast<NodeId>(i + 1);
    node.id = id;
    node.disk = std::make_unique<SimDisk>(plan.config.durability, plan.log_batches);
    node.disk->SetObservers([this, id](const WriteBatch& batch) { RecordApplied(id, batch); },
                            [this, id](const WriteBatch& batch) { RecordSynced(id, batch); });
    node.clock_skew = rng_.At(Now(), id).Between(absl::ZeroDuration(), 2 * plan.clock_skew_max) -
                      plan.clock_skew_max;
  }
}

SimCluster::~SimCluster() = default;

ClusterConfig SimCluster::ConfigOf(NodeId node) const {
  ClusterConfig config = plan_.config;
  config.self = node;
  config.leader = node == plan_.leader;
  if (plan_.leader != 0 && !config.leader && !plan_.followers_know_n) config.quorums = Quorums{};
  return config;
}

// Unique, in their lower halves too, but in no order: nothing may depend on a later life having the
// greater number.
Incarnation SimCluster::NewIncarnation(Node* node) {
  Incarnation incarnation = 0;
  do {
    incarnation = 1 + rng_.At(Now(), node->id).Below(0xffffffffu);
  } while (!node->used_incarnations.insert(incarnation).second);
  return incarnation;
}

void SimCluster::Start(NodeId id) {
  Node& node = at(id);
  if (node.replica != nullptr || node.disk->full()) return;
  ++node.life;
  node.serving = false;
  node.sync_running = false;
  node.sync_wanted = 0;
  node.next_operation = 1 + rng_.At(Now(), id).Below(uint64_t{1} << 60);
  const Incarnation incarnation = NewIncarnation(&node);
  trace_->Note(Now(), id, {kStartFact, incarnation},
               [&] { return absl::StrCat("starts as incarnation ", incarnation); });
  history_->Happened(EventKind::kStart, Now(), id);
  RecordRecovered(id);
  node.env = std::make_unique<SimEnv>(id, rng_.At(Now(), id), static_cast<SimWorld*>(this));
  NewLife life;
  life.cluster = plan_.config.cluster;
  life.node = id;
  life.strategy = plan_.config.strategy;
  life.durability = plan_.config.durability;
  life.boot = absl::StrCat(node.boots);
  life.incarnation = incarnation;
  life.engine_has_lost = node.disk->has_lost();
  absl::StatusOr<StoredState> state = BeginLife(node.disk.get(), life);
  CHECK(state.ok()) << state.status();
  node.disk->NoteLoss();
  absl::StatusOr<std::unique_ptr<Replica>> replica =
      Replica::Make(ConfigOf(id), incarnation, *std::move(state), node.disk.get(), node.env.get());
  CHECK(replica.ok()) << replica.status();
  node.replica = *std::move(replica);
  node.replica->Start();
  Flush(&node);
  network_.OnStart(id);
}

void SimCluster::StopDisk(Node* node, End how) {
  const WriteBatch before = node->disk->Contents();
  SimRng rng = storage_rng_.At(Now(), node->id);
  const bool orderly = how == End::kShutdown && node->replica != nullptr &&
                       !node->replica->failed() && !node->disk->failing() && !node->disk->full() &&
                       plan_.config.durability != Durability::kMemory;
  if (orderly) CHECK(EndLife(node->disk.get(), node->replica->store().state()).ok());
  // A crash shows what was not synced to the next process, or takes it away with the power.
  const bool power_lost = !orderly && (how != End::kCrash || rng.Chance(50));
  if (power_lost) ++node->boots;
  if (how == End::kNewDisk) {
    node->disk->Replace();
  } else {
    node->disk->Crash(power_lost, &rng);
  }
  RecordForgotten(node->id, before);
}

void SimCluster::Stop(NodeId id, End how) {
  Node& node = at(id);
  if (node.replica == nullptr && how != End::kNewDisk) return;
  trace_->Note(Now(), id, {kCrashFact, static_cast<uint64_t>(how)}, [how] {
    return how == End::kShutdown ? "ends" : how == End::kNewDisk ? "loses its disk" : "crashes";
  });
  StopDisk(&node, how);
  history_->Happened(EventKind::kCrash, Now(), id);
  if (node.replica != nullptr) AddCounters(*node.replica, &observed_);
  ++node.life;
  node.replica.reset();
  node.env.reset();
  node.inbox.clear();
  node.drain_due = false;
  node.paused_until = queue_->Now();
  node.timers.clear();
  for (const auto& [operation, index] : std::exchange(node.open, {})) {
    history_->ConnectionLost(Now(), index);
    EndOperation(index);
  }
  network_.OnCrash(id);
}

void SimCluster::Pause(NodeId node, absl::Duration how_long) {
  at(node).paused_until = std::max(at(node).paused_until, queue_->Now() + how_long);
}

void SimCluster::FlipBit(NodeId id) {
  SimRng rng = storage_rng_.At(Now(), id);
  at(id).disk->FlipBit(&rng);
}

bool SimCluster::AtRest(NodeId id) const {
  const Node& node = at(id);
  return Up(id) && node.open.empty() && node.replica->open_operations() == 0 &&
         static_cast<int>(node.replica->ConnectedPeers().size()) == size() - 1 &&
         node.replica->Status().state == ReplicaState::kServing;
}

void SimCluster::Heal() {
  network_.Heal();
  for (Node& node : nodes_) {
    node.disk->MakeRoom();
    if (node.disk->damaged()) {
      Stop(node.id, End::kNewDisk);
    } else if (node.disk->failing() || node.disk->failed()) {
      Crash(node.id);
    }
    node.sync_extra = absl::ZeroDuration();
    node.clock_skew = absl::ZeroDuration();
    node.paused_until = queue_->Now();
    node.drain_due = false;
    ScheduleDrain(&node);
    Start(node.id);
  }
}

size_t SimCluster::Submit(NodeId id, HistoryOperation operation, Done done) {
  operation.node = id;
  const size_t index = history_->Called(Now(), std::move(operation));
  SendToNode(index, std::move(done));
  return index;
}

void SimCluster::Repeat(size_t operation, NodeId node, Done done) {
  history_->Repeated(operation, node);
  SendToNode(operation, std::move(done));
}

void SimCluster::SendToNode(size_t index, Done done) {
  const NodeId id = history_->operations()[index].node;
  done_[index] = std::move(done);
  if (!Up(id)) {
    history_->Refused(Now(), index);
    return EndOperation(index);
  }
  const OperationId operation_id = at(id).next_operation++;
  operations_[{id, operation_id}] = index;
  at(id).open.emplace(operation_id, index);
  Enqueue(id, [this, id, operation_id, index,
               asked = history_->operations()[index].operation](Replica* replica) mutable {
    trace_->Note(Now(), id, {kSubmitFact, operation_id},
                 [&] { return absl::StrCat("gets ", history_->Describe(index)); });
    history_->Submitted(Now(), index, !replica->KnowsItsPast());
    replica->Submit(operation_id, std::move(asked));
  });
}

void SimCluster::GiveUp(size_t operation) {
  const HistoryOperation& known = history_->operations()[operation];
  if (known.outcome != Outcome::kOpen) return;
  for (const auto [operation_id, index] : at(known.node).open) {
    if (index != operation) continue;
    given_up_.emplace(known.node, operation_id);
    at(known.node).open.erase(operation_id);
    history_->ConnectionLost(Now(), operation);
    return EndOperation(operation);
  }
}

void SimCluster::Cancel(size_t operation) {
  const HistoryOperation& known = history_->operations()[operation];
  if (known.outcome != Outcome::kOpen) return;
  history_->Cancelled(operation);
  for (const auto& [operation_id, index] : at(known.node).open) {
    if (index != operation) continue;
    Enqueue(known.node, [this, node = known.node, id = operation_id](Replica* replica) {
      trace_->Note(Now(), node, {kCancelFact, id}, [&] { return absl::StrCat("cancels ", id); });
      replica->Cancel(id);
    });
    return;
  }
}

// The client learns of it a little later, and never from within a drain.
void SimCluster::EndOperation(size_t operation) {
  const auto it = done_.find(operation);
  if (it == done_.end()) return;
  queue_->After(absl::Microseconds(100),
                [operation, done = std::move(it->second)] { done(operation); });
  done_.erase(it);
}

void SimCluster::Enqueue(NodeId id, std::function<void(Replica*)> work) {
  Node& node = at(id);
  node.inbox.push_back(Work{Now(), std::move(work)});
  ScheduleDrain(&node);
}

void SimCluster::ScheduleDrain(Node* node) {
  if (node->drain_due || node->inbox.empty()) return;
  node->drain_due = true;
  const absl::Duration delay = rng_.At(Now(), node->id).Exponential(plan_.drain_delay_mean);
  queue_->At(std::max(queue_->Now() + delay, node->paused_until),
             [this, id = node->id, life = node->life] { Drain(id, life); });
}

void SimCluster::Drain(NodeId id, uint64_t life) {
  Node& node = at(id);
  if (node.life != life || !node.drain_due) return;
  node.drain_due = false;
  if (node.paused_until > queue_->Now()) {
    ScheduleDrain(&node);
    return;
  }
  int events = rng_.At(Now(), id).Between(1, plan_.drain_events_max);
  while (events-- > 0 && !node.inbox.empty() && !node.replica->DrainFull()) {
    Work work = std::move(node.inbox.front());
    node.inbox.pop_front();
    work.run(node.replica.get());
  }
  Flush(&node);
  NoteOverdue(node);
  ScheduleDrain(&node);
}

// What came before the oldest that still waits, the node has dealt with: pauses and backlogs excuse
// it, nothing else.
void SimCluster::NoteOverdue(const Node& node) {
  const MonotonicTime through = node.inbox.empty() ? Now() : node.inbox.front().since;
  for (const auto& [id, index] : node.open) {
    const HistoryOperation& operation = history_->operations()[index];
    if (!operation.submitted) continue;
    const MonotonicTime due = operation.submitted_at + operation.operation.timeout;
    if (due < through) history_->Overdue(index);
  }
}

void SimCluster::Flush(Node* node) {
  node->flushing = true;
  node->replica->Flush();
  NoteServing(node);
  node->flushing = false;
}

// Called once a drain's writes are in the store, and before any of its answers leaves: so no answer
// that counts comes before the event that says so. Greetings leave earlier and say nothing. A
// replica whose disk has failed answers no more than the reads that it had done before, in the same
// drain.
void SimCluster::NoteServing(Node* node, bool answers) {
  if (!node->flushing || node->serving || !node->replica->KnowsItsPast()) return;
  if (node->disk->failed() && !answers) return;
  node->serving = true;
  history_->Happened(EventKind::kServing, Now(), node->id);
}

absl::Time SimCluster::WallNow(NodeId node) const {
  return absl::FromUnixSeconds(1700000000) + queue_->Now() + at(node).clock_skew;
}

void SimCluster::OnSend(NodeId from, NodeId to, peer::v1::Batch batch) {
  NoteServing(&at(from));
  if (to < 1 || to > nodes_.size()) return;
  RecordMessages(from, batch);
  trace_->Note(Now(), from, {kSendFact, to, HashOf(batch)},
               [&] { return absl::StrCat("sends to ", to, " ", DescribeBatch(batch)); });
  const auto sent = std::make_shared<const peer::v1::Batch>(std::move(batch));
  if (trace_->messages() != nullptr) trace_->messages()->OnSend(from, to, Now(), sent);
  network_.Send(from, to, sent);
}

void SimCluster::OnSetTimer(NodeId id, TimerId timer, MonotonicTime when) {
  Node& node = at(id);
  const uint64_t generation = ++node.timers[timer];
  queue_->At(when, [this, id, timer, generation, life = node.life] {
    Node& now = at(id);
    if (now.life != life || now.timers[timer] != generation) return;
    Enqueue(id, [this, id, timer](Replica* replica) {
      trace_->Note(Now(), id, {kTimerFact, timer}, [&] { return absl::StrCat("timer ", timer); });
      replica->FireTimer(timer);
    });
  });
}

void SimCluster::OnExpireAt(NodeId id, OperationId operation, MonotonicTime when) {
  queue_->At(when, [this, id, operation, life = at(id).life] {
    if (at(id).life != life) return;
    Enqueue(id, [this, id, operation](Replica* replica) {
      trace_->Note(Now(), id, {kExpireFact, operation},
                   [&] { return absl::StrCat("expires ", operation); });
      replica->Expire(operation);
    });
  });
}

void SimCluster::OnComplete(NodeId id, OperationId operation, OperationResult result) {
  Node& node = at(id);
  NoteServing(&node, result.status.ok());
  const auto it = operations_.find({id, operation});
  if (it == operations_.end()) {
    history_->StrayResult(id);
    return;
  }
  if (given_up_.erase({id, operation}) > 0) return;  // nobody hears it
  const size_t index = it->second;
  if (result.record.has_value()) {
    history_->Saw(id, history_->operations()[index].operation.key, *result.record);
  }
  history_->Ended(Now(), index, !node.replica->KnowsItsPast(), std::move(result));
  trace_->Note(Now(), id, {kCompleteFact, operation, HashOf(history_->operations()[index].result)},
               [&] { return absl::StrCat("answers ", history_->Describe(index)); });
  node.open.erase(operation);
  EndOperation(index);
}

void SimCluster::OnRequestSync(NodeId id, SyncTicket ticket) {
  at(id).sync_wanted = ticket;
  if (!at(id).sync_running) StartSync(id);
}

// One sync at a time, as on one thread: what is asked for meanwhile waits, and then shares one
// sync.
void SimCluster::StartSync(NodeId id) {
  Node& node = at(id);
  node.sync_running = true;
  const SyncTicket ticket = std::exchange(node.sync_wanted, 0);
  const absl::Duration delay =
      node.sync_extra + storage_rng_.At(Now(), id).Exponential(plan_.sync_delay_mean);
  queue_->After(delay, [this, id, ticket, life = node.life, through = node.disk->applied()] {
    if (at(id).life != life) return;
    const absl::Status synced = at(id).disk->SyncThrough(through);
    Enqueue(id, [this, id, ticket, synced](Replica* replica) {
      trace_->Note(Now(), id, {kDurableFact, ticket, synced.ok()},
                   [&] { return absl::StrCat("ticket ", ticket, ": ", synced.ToString()); });
      replica->Durable(ticket, synced);
    });
    at(id).sync_running = false;
    if (at(id).sync_wanted != 0) StartSync(id);
  });
}

void SimCluster::OnLog(NodeId node, const std::string& line) {
  RecordLine(line);
  trace_->Note(Now(), node, {ContentHash(line)}, [&] { return absl::StrCat("says: ", line); });
}

void SimCluster::Deliver(NodeId to, std::shared_ptr<const peer::v1::Batch> batch) {
  Enqueue(to, [this, to, batch = std::move(batch)](Replica* replica) {
    trace_->Note(Now(), to, {kReceiveFact, batch->from(), batch->session(), batch->sequence()},
                 [&] {
                   return absl::StrCat("receives from ", batch->from(), " session ",
                                       batch->session(), " sequence ", batch->sequence(),
                                       batch->reply() ? " reply" : " request");
                 });
    if (trace_->messages() != nullptr) trace_->messages()->OnReceive(Now(), *batch);
    replica->Receive(*batch);
  });
}

void SimCluster::DeliverLink(NodeId node, NodeId peer, bool up) {
  Enqueue(node, [this, node, peer, up](Replica* replica) {
    trace_->Note(Now(), node, {kLinkFact, peer, up},
                 [&] { return absl::StrCat("link to ", peer, up ? " up" : " down"); });
    replica->Link(peer, up);
  });
}

}  // namespace quorate::sim
