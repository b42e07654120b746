#include "tests/sim/workload.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace quorate::sim {
namespace {

// So few that operations on one key overlap.
constexpr int kHotKeys = 2;

constexpr int kRepeatsMax = 4;

// A client waits so long before it repeats a write.
constexpr absl::Duration kBackoff = absl::Milliseconds(20);

bool InDoubt(const HistoryOperation& operation) {
  switch (operation.outcome) {
    case Outcome::kConnectionLost:
      return true;
    case Outcome::kEnded:
      return operation.result.may_have_applied;
    case Outcome::kRefused:
      return operation.tries > 1;  // by this node alone
    case Outcome::kOpen:
      return false;
  }
  return false;
}

// Behind faults, and client by client.
uint64_t RankOf(int client) { return 2 + static_cast<uint64_t>(client); }

}  // namespace

Workload::Workload(const WorkloadPlan& plan, const Guarantee& promise, SimRng rng,
                   EventQueue* queue, SimCluster* cluster)
    : plan_(plan),
      any_answer_completes_(!promise.keeps_acknowledged_writes),
      can_be_linearizable_(promise.linearizable_on_request),
      rng_(rng),
      queue_(queue),
      cluster_(cluster) {}

// Some keys have bytes that are no text.
std::string Workload::KeyName(int number) {
  return number % 5 == 4 ? absl::StrCat("k\xff", number) : absl::StrCat("k", number);
}

void Workload::Start() {
  for (int i = 0; i < plan_.clients; ++i) {
    clients_[i].number = i;
    ScheduleNext(&clients_[i]);
  }
}

void Workload::Replay(const std::vector<ScheduledOperation>& operations) {
  replays_ = true;
  for (const ScheduledOperation& operation : operations) {
    Client* const client = &clients_[operation.client];
    client->number = operation.client;
    queue_->OutsideAt(operation.at, RankOf(client->number), [this, client, operation] {
      if (stopped_) return;
      if (client->busy) {
        client->waiting.push_back(operation);
      } else {
        Issue(client, operation);
      }
    });
  }
}

// Always a little later: what happens from outside comes before what else happens at its moment.
void Workload::ScheduleNext(Client* client) {
  const absl::Duration think = absl::Microseconds(1) + rng_.Exponential(plan_.think_mean);
  queue_->OutsideAt(queue_->Now() + think, RankOf(client->number), [this, client] {
    if (!stopped_) Issue(client, Draw(client));
  });
}

ScheduledOperation Workload::Draw(Client* client) {
  ScheduledOperation drawn;
  drawn.at = queue_->Now();
  drawn.client = client->number;
  drawn.number = ++client->sequence;
  const bool hot = plan_.hot_percent > 0 && rng_.Chance(plan_.hot_percent);
  drawn.key = static_cast<int>(rng_.Below(hot ? kHotKeys : plan_.keys));
  const int roll = rng_.Between(0, 99);
  if (roll < plan_.get_percent) {
    drawn.kind = OperationKind::kGet;
  } else if (roll < plan_.get_percent + plan_.local_read_percent) {
    drawn.kind = OperationKind::kLocalRead;
  } else {
    drawn.kind = roll < plan_.get_percent + plan_.local_read_percent + plan_.delete_percent
                     ? OperationKind::kDelete
                     : OperationKind::kSet;
    if (drawn.kind == OperationKind::kSet) drawn.value_bytes = plan_.value_bytes;
    drawn.with_context =
        client->contexts.count(KeyName(drawn.key)) > 0 && rng_.Chance(plan_.context_percent);
  }
  const bool writes = drawn.kind == OperationKind::kSet || drawn.kind == OperationKind::kDelete;
  const bool asks = drawn.kind == OperationKind::kGet && plan_.linearizable_percent > 0;
  if (asks && can_be_linearizable_ && rng_.Chance(plan_.linearizable_percent)) {
    drawn.linearizable = true;
  } else if (rng_.Chance(plan_.override_percent)) {
    (writes ? drawn.w : drawn.r) = rng_.Between(1, cluster_->size());
  }
  static const auto& timeouts = *new std::vector<absl::Duration>{
      absl::Milliseconds(30), absl::Milliseconds(200), absl::Seconds(1), absl::Seconds(2)};
  drawn.timeout = rng_.Pick(timeouts);
  drawn.node = PickNode(drawn.kind);
  const bool may = drawn.kind != OperationKind::kLocalRead;
  drawn.with_session = may && plan_.session_percent > 0 && rng_.Chance(plan_.session_percent);
  if (writes && plan_.repeat_percent > 0 && rng_.Chance(plan_.repeat_percent)) {
    for (int i = rng_.Between(1, kRepeatsMax); i > 0; --i) {
      drawn.repeats.push_back(rng_.Chance(30) ? drawn.node : PickNode(drawn.kind));
    }
    if (rng_.Chance(30)) drawn.give_up_after = rng_.Exponential(absl::Milliseconds(10));
  }
  const bool cancels = rng_.Chance(plan_.cancel_percent);
  const absl::Duration cancel_after = rng_.Exponential(absl::Milliseconds(2));
  if (cancels) drawn.cancel_after = cancel_after;
  return drawn;
}

// Where only the leader takes writes, most clients know it.
NodeId Workload::PickNode(OperationKind kind) {
  const NodeId any = static_cast<NodeId>(rng_.Between(1, cluster_->size()));
  const bool only_leader = cluster_->leader() != 0 && !cluster_->plan().config.forward_writes;
  const bool writes = kind == OperationKind::kSet || kind == OperationKind::kDelete;
  return writes && only_leader && rng_.Chance(90) ? cluster_->leader() : any;
}

void Workload::Issue(Client* client, ScheduledOperation drawn) {
  HistoryOperation issued;
  issued.client = client->number;
  Operation& operation = issued.operation;
  operation.kind = drawn.kind;
  operation.key = KeyName(drawn.key);
  operation.w = drawn.w;
  operation.r = drawn.r;
  operation.linearizable = drawn.linearizable;
  operation.timeout = drawn.timeout;
  if (drawn.kind == OperationKind::kSet) {
    operation.value = absl::StrCat(drawn.Name(), "/");
    operation.value.resize(std::max(operation.value.size(), drawn.value_bytes), '.');
  }
  const auto context = client->contexts.find(operation.key);
  if (drawn.with_context && context != client->contexts.end()) {
    operation.context = context->second.first;
    issued.context = context->second.second;
  }
  const auto session = client->sessions.find(operation.key);
  if (drawn.with_session && session != client->sessions.end()) {
    operation.session = session->second.first;
    issued.session = session->second.second;
  }
  if (!drawn.repeats.empty()) operation.request = drawn.Name();
  history_bytes_ += sizeof(issued) + operation.value.size();
  client->busy = true;
  const auto tried = [this, client, nodes = drawn.repeats](size_t done) {
    OnTried(client, done, nodes);
  };
  const size_t index = cluster_->Submit(drawn.node, std::move(issued), tried);
  if (drawn.give_up_after.has_value()) {
    queue_->OutsideAt(queue_->Now() + *drawn.give_up_after, RankOf(client->number), [this, index] {
      if (cluster_->history().operations()[index].tries == 1) {
        cluster_->GiveUp(index);
      }
    });
  }
  if (drawn.cancel_after.has_value()) {
    queue_->OutsideAt(queue_->Now() + *drawn.cancel_after, RankOf(client->number),
                      [this, index] { cluster_->Cancel(index); });
  }
  operations_.push_back(std::move(drawn));
}

void Workload::OnTried(Client* client, size_t index, std::vector<NodeId> nodes) {
  const HistoryOperation& operation = cluster_->history().operations()[index];
  if (nodes.empty() || operation.cancelled || stopped_ || !InDoubt(operation)) {
    return OnDone(client, operation);
  }
  const NodeId next = nodes.front();
  nodes.erase(nodes.begin());
  queue_->OutsideAt(queue_->Now() + kBackoff, RankOf(client->number),
                    [this, client, index, next, nodes = std::move(nodes)] {
                      if (stopped_) {
                        return OnDone(client, cluster_->history().operations()[index]);
                      }
                      cluster_->Repeat(index, next, [this, client, nodes](size_t done) {
                        OnTried(client, done, nodes);
                      });
                    });
}

void Workload::OnDone(Client* client, const HistoryOperation& done) {
  const std::string& key = done.operation.key;
  if (done.ok() || (any_answer_completes_ && done.outcome == Outcome::kEnded)) {
    ++completed_;
    keys_completed_.insert(key);
  }
  if (done.ok() && done.result.record.has_value()) {
    const Version& seen = SeenBy(done.result);
    client->contexts[key] = {ContextToken(key, seen), seen};
    // What an operation outside the session tells, the session has not seen.
    const Version& session = SeenBySession(done.result);
    if (session.Descends(client->sessions[key].second)) {
      client->sessions[key] = {ContextToken(key, session), session};
    }
  }
  client->busy = false;
  on_answer_(done);
  if (!replays_) return ScheduleNext(client);
  if (client->waiting.empty() || stopped_) return;
  const ScheduledOperation next = client->waiting.front();
  client->waiting.pop_front();
  Issue(client, next);
}

}  // namespace quorate::sim
