#include "tests/sim/workload.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace quorate::sim {
namespace {

// So few that operations on one key overlap.
constexpr int kHotKeys = 2;

}  // namespace

Workload::Workload(const WorkloadPlan& plan, const Guarantee& promise, SimRng rng,
                   EventQueue* queue, SimCluster* cluster)
    : plan_(plan),
      any_answer_completes_(!promise.keeps_acknowledged_writes),
      can_be_linearizable_(promise.linearizable_on_request),
      rng_(rng),
      queue_(queue),
      cluster_(cluster) {
  clients_.resize(plan_.clients);
  for (int i = 0; i < plan_.clients; ++i) clients_[i].number = i;
}

// Some keys have bytes that are no text.
std::string Workload::KeyName(int number) {
  return number % 5 == 4 ? absl::StrCat("k\xff", number) : absl::StrCat("k", number);
}

void Workload::Start() {
  for (Client& client : clients_) ScheduleNext(&client);
}

void Workload::ScheduleNext(Client* client) {
  queue_->After(rng_.Exponential(plan_.think_mean), [this, client] {
    if (!stopped_) Issue(client);
  });
}

void Workload::Issue(Client* client) {
  HistoryOperation operation = Draw(client);
  const NodeId node = PickNode(operation.operation);
  const bool cancels = rng_.Chance(plan_.cancel_percent);
  const absl::Duration cancel_after = rng_.Exponential(absl::Milliseconds(2));
  const size_t index =
      cluster_->Submit(node, std::move(operation),
                       [this, client](const HistoryOperation& done) { OnDone(client, done); });
  if (cancels) queue_->After(cancel_after, [this, index] { cluster_->Cancel(index); });
}

HistoryOperation Workload::Draw(Client* client) {
  HistoryOperation drawn;
  drawn.client = client->number;
  Operation& operation = drawn.operation;
  const bool hot = plan_.hot_percent > 0 && rng_.Chance(plan_.hot_percent);
  operation.key = KeyName(static_cast<int>(rng_.Below(hot ? kHotKeys : plan_.keys)));
  const int roll = rng_.Between(0, 99);
  if (roll < plan_.get_percent) {
    operation.kind = OperationKind::kGet;
  } else if (roll < plan_.get_percent + plan_.local_read_percent) {
    operation.kind = OperationKind::kLocalRead;
  } else {
    operation.kind = roll < plan_.get_percent + plan_.local_read_percent + plan_.delete_percent
                         ? OperationKind::kDelete
                         : OperationKind::kSet;
    FillWrite(client, &drawn);
  }
  const int n = cluster_->size();
  const bool asks = operation.kind == OperationKind::kGet && plan_.linearizable_percent > 0;
  if (asks && can_be_linearizable_ && rng_.Chance(plan_.linearizable_percent)) {
    operation.linearizable = true;
  } else if (rng_.Chance(plan_.override_percent)) {
    (operation.is_write() ? operation.w : operation.r) = rng_.Between(1, n);
  }
  static const auto& timeouts = *new std::vector<absl::Duration>{
      absl::Milliseconds(30), absl::Milliseconds(200), absl::Seconds(1), absl::Seconds(2)};
  operation.timeout = rng_.Pick(timeouts);
  return drawn;
}

void Workload::FillWrite(Client* client, HistoryOperation* drawn) {
  Operation& operation = drawn->operation;
  if (operation.kind == OperationKind::kSet) {
    operation.value = absl::StrCat("c", client->number, "/", ++client->sequence, "/");
    operation.value.resize(std::max(operation.value.size(), plan_.value_bytes), '.');
  }
  const auto context = client->contexts.find(operation.key);
  if (context != client->contexts.end() && rng_.Chance(plan_.context_percent)) {
    operation.context = context->second.first;
    drawn->context = context->second.second;
  }
}

// Where only the leader takes writes, most clients know it.
NodeId Workload::PickNode(const Operation& operation) {
  const NodeId any = static_cast<NodeId>(rng_.Between(1, cluster_->size()));
  const bool only_leader = cluster_->leader() != 0 && !cluster_->plan().config.forward_writes;
  return operation.is_write() && only_leader && rng_.Chance(90) ? cluster_->leader() : any;
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
  }
  ScheduleNext(client);
}

}  // namespace quorate::sim
