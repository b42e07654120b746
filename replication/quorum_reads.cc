#include "replication/quorum_reads.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

#include "replication/outcomes.h"
#include "replication/storage/planted_bugs.h"

namespace quorate {
namespace {

// Below it a hedge would chase what a scheduler does, not what a replica does.
constexpr absl::Duration kShortestWait = absl::Milliseconds(1);
// While too few answers have come to know better: this part of the peer timeout.
constexpr int kFirstWaitDivisor = 10;

// Reads that are kept, most of them answered: for each operation that may be in flight.
constexpr size_t kPerOpenOperation = 5;

// What needs the answers, at the beginning of a message.
const char* AskerName(bool write) { return write ? "before it writes, the write" : "the read"; }

size_t BytesOf(const std::optional<Record>& record) {
  return record.has_value() ? record->ValueBytes() : 0;
}

}  // namespace

size_t QuorumReads::held_bytes() const { return held_bytes_ + context_->waiting_bytes(); }

bool QuorumReads::HoldsTooMuch() const { return held_bytes() >= context_->config().max_read_bytes; }

void QuorumReads::MakeRoom() {
  const size_t most = kPerOpenOperation * context_->config().max_open_operations;
  if (!HoldsTooMuch() && reads_.size() < most) return;
  const absl::btree_set<OperationId> answered = answered_;
  for (const OperationId id : answered) Settle(id);
}

void QuorumReads::Start(OperationId id, const Operation& operation, Version session) {
  const int asked_for = operation.r.value_or(context_->quorums().r);
  const int required = PlantedBug(Bug::kReadBeforeR) ? std::max(1, asked_for - 1) : asked_for;
  if (required == 1 && AnswerAlone(id, operation.key, session)) return;
  Begin(id, operation, required, std::move(session), nullptr);
}

void QuorumReads::Collect(OperationId id, Operation operation, int required, OnCollected then) {
  auto collection = absl::make_unique<Collection>();
  collection->operation = std::move(operation);
  collection->then = std::move(then);
  const Operation& asked = collection->operation;
  Begin(id, asked, required, Version(), std::move(collection));
}

void QuorumReads::Begin(OperationId id, const Operation& operation, int required, Version session,
                        std::unique_ptr<Collection> collection) {
  const int n = context_->quorums().n;
  const int live = 1 + static_cast<int>(context_->ConnectedPeers().size());
  if (live < required) {
    return context_->Complete(id, TooFewReplicas(operation, required, live));
  }
  MakeRoom();
  if (HoldsTooMuch()) return context_->Complete(id, NotSent(TooMuchHeld(held_bytes())));
  PendingRead& read =
      reads_.emplace(id, PendingRead{operation.key, QuorumTracker(n, required), context_->Now()})
          .first->second;
  read.collection = std::move(collection);
  read.session = std::move(session);
  const bool all = context_->config().read_all;
  Ask(id, &read, Choose(read, all ? live - 1 : required - 1));
  read.patience = context_->config().peer_timeout;
  if (!all && live > required) {
    budget_.Earn();
    read.patience = UsualWait();
  }
  PlanHedge(id, &read);
  AnswerFromStore(id, operation.key);
}

void QuorumReads::AnswerFromStore(OperationId id, const std::string& key) {
  PendingRead& read = reads_.at(id);
  if (read.own_awaited) return;
  absl::StatusOr<std::optional<Record>> own = context_->store().Get(key);
  if (!own.ok()) return context_->FailStop(own.status());
  // Shown only once it cannot be forgotten any more.
  if (context_->IsDurable(key)) {
    Take(id, context_->config().self, *own);
    return Advance(id);
  }
  const size_t bytes = BytesOf(*own);
  read.own_awaited = true;
  context_->WhenDurable(
      [this, id, own = *std::move(own)] {
        const auto it = reads_.find(id);
        if (it != reads_.end()) it->second.own_awaited = false;
        Take(id, context_->config().self, own);
        Advance(id);
      },
      bytes);
}

bool QuorumReads::AnswerAlone(OperationId id, const std::string& key, const Version& session) {
  absl::StatusOr<std::optional<Record>> own = context_->store().Get(key);
  if (!own.ok()) {
    context_->FailStop(own.status());
    return true;
  }
  const Version known = own->has_value() ? (*own)->version : Version();
  if (!known.Descends(session) && !PlantedBug(Bug::kForgetSession)) return false;
  const size_t bytes = BytesOf(*own);
  OperationResult result = OwnAnswer(context_->config().self, *std::move(own));
  if (context_->IsDurable(key)) {
    context_->Complete(id, std::move(result));
  } else if (HoldsTooMuch()) {
    context_->Complete(id, NotSent(TooMuchHeld(held_bytes())));
  } else {
    context_->WhenDurable(
        [this, id, result = std::move(result)]() mutable {
          context_->Complete(id, std::move(result));
        },
        bytes);
  }
  return true;
}

void QuorumReads::Serve(NodeId from, const peer::v1::Read& read, bool knows_past) {
  peer::v1::Message message;
  peer::v1::ReadReply* reply = message.mutable_read_reply();
  reply->set_operation(read.operation());
  const bool durable = context_->IsDurable(read.key());
  const bool waits_for_too_much =
      !durable && context_->waiting_bytes() >= context_->config().max_read_bytes;
  // Either is no answer, and the coordinator asks another replica.
  const bool answers = knows_past || PlantedBug(Bug::kSyncingAnswersAbsent);
  if (!answers || waits_for_too_much) {
    reply->set_syncing(true);
    return context_->Send(from, message);
  }
  absl::StatusOr<std::optional<Record>> record = context_->store().Get(read.key());
  if (!record.ok()) return context_->FailStop(record.status());
  reply->set_found(record->has_value());
  if (record->has_value()) reply->set_record((*record)->Encode());
  if (durable) return context_->Send(from, message);
  const size_t bytes = BytesOf(*record);
  context_->WhenDurable(
      [this, from, message = std::move(message)] { context_->Send(from, message); }, bytes);
}

std::vector<NodeId> QuorumReads::Choose(const PendingRead& read, int count) {
  std::vector<NodeId> peers = context_->ConnectedPeers();
  const auto asked = [&read](NodeId peer) {
    return std::find(read.asked.begin(), read.asked.end(), peer) != read.asked.end();
  };
  peers.erase(std::remove_if(peers.begin(), peers.end(), asked), peers.end());
  if (peers.empty()) return peers;
  const size_t first = turn_++ % peers.size();
  std::rotate(peers.begin(), peers.begin() + static_cast<std::ptrdiff_t>(first), peers.end());
  const auto rank = [this](NodeId peer) {
    const Peer& state = peers_[peer];
    return std::make_pair(state.refuses, state.unanswered);
  };
  std::stable_sort(peers.begin(), peers.end(),
                   [&rank](NodeId a, NodeId b) { return rank(a) < rank(b); });
  peers.resize(std::min(peers.size(), static_cast<size_t>(count)));
  return peers;
}

void QuorumReads::Ask(OperationId id, PendingRead* read, const std::vector<NodeId>& peers) {
  if (peers.empty()) return;
  for (const NodeId peer : peers) {
    read->asked.push_back(peer);
    read->awaited.push_back(Question{peer, context_->Now()});
    ++peers_[peer].unanswered;
  }
  SendQuestion(id, *read, peers);
}

void QuorumReads::SendQuestion(OperationId id, const PendingRead& read,
                               const std::vector<NodeId>& peers) {
  peer::v1::Message message;
  message.mutable_read()->set_operation(id);
  message.mutable_read()->set_key(read.key);
  context_->SendToAll(peers, message);
}

void QuorumReads::OnReply(NodeId from, const peer::v1::ReadReply& reply) {
  const auto it = reads_.find(reply.operation());
  if (it == reads_.end()) return;
  const std::optional<MonotonicTime> asked = StopAwaiting(&it->second, from);
  if (!asked.has_value()) return;
  std::optional<Record> record;
  if (reply.found()) {
    absl::StatusOr<Record> decoded = Record::Decode(reply.record());
    if (decoded.ok()) record = *std::move(decoded);
  }
  const bool refuses = reply.syncing() || record.has_value() != reply.found();
  peers_[from].refuses = refuses;
  if (refuses) {
    it->second.answers.Reject(from);
  } else {
    waits_.Add(context_->Now() - *asked);
    Take(reply.operation(), from, record);
  }
  Advance(reply.operation());
}

void QuorumReads::OnPeerDown(NodeId peer) {
  std::vector<OperationId> open;
  for (const auto& [id, read] : reads_) open.push_back(id);
  for (const OperationId id : open) {
    PendingRead& read = reads_.at(id);
    // It may forget what it answered with, so it does not hold it for sure.
    if (read.collection != nullptr) Disown(&read, peer);
    if (!StopAwaiting(&read, peer).has_value()) continue;
    read.answers.Reject(peer);
    Advance(id);
  }
  peers_.erase(peer);
}

std::optional<MonotonicTime> QuorumReads::StopAwaiting(PendingRead* read, NodeId node) {
  const auto it = std::find_if(read->awaited.begin(), read->awaited.end(),
                               [node](const Question& one) { return one.node == node; });
  if (it == read->awaited.end()) return std::nullopt;
  const MonotonicTime asked = it->asked;
  read->awaited.erase(it);
  --peers_[node].unanswered;
  return asked;
}

absl::Duration QuorumReads::UsualWait() const {
  const absl::Duration longest = context_->config().peer_timeout;
  const absl::Duration recent = waits_.value().value_or(longest / kFirstWaitDivisor);
  return std::min(std::max(recent, kShortestWait), longest);
}

void QuorumReads::PlanHedge(OperationId id, PendingRead* read) {
  const MonotonicTime now = context_->Now();
  const MonotonicTime lost_at = read->started + context_->config().peer_timeout;
  read->hedge_at = now + read->patience;
  if (now < lost_at) read->hedge_at = std::min(read->hedge_at, lost_at);
  hedges_.emplace(read->hedge_at, id);
  ArmTimer();
}

void QuorumReads::DropHedge(OperationId id, PendingRead* read) {
  hedges_.erase({read->hedge_at, id});
  read->hedge_at = absl::InfiniteDuration();
}

void QuorumReads::ArmTimer() {
  if (hedges_.empty() || hedges_.begin()->first >= timer_at_) return;
  timer_at_ = hedges_.begin()->first;
  context_->SetTimer(timer_, timer_at_ - context_->Now());
}

void QuorumReads::OnTimer() {
  timer_at_ = absl::InfiniteDuration();
  while (!hedges_.empty() && hedges_.begin()->first <= context_->Now()) {
    const OperationId id = hedges_.begin()->second;
    Hedge(id, &reads_.at(id));
  }
  ArmTimer();
}

void QuorumReads::Hedge(OperationId id, PendingRead* read) {
  DropHedge(id, read);
  if (read->behind_session) return AskAllAgain(id, read);
  const absl::Duration longest = context_->config().peer_timeout;
  const bool lost = context_->Now() - read->started >= longest;
  const std::vector<NodeId> next = Choose(*read, 1);
  if (next.empty()) {
    // A session that goes on does not mean that all it carried has arrived.
    std::vector<NodeId> silent;
    for (const Question& question : read->awaited) silent.push_back(question.node);
    if (lost) SendQuestion(id, *read, silent);
    read->patience = longest;
  } else if (lost) {
    Ask(id, read, next);
  } else if (budget_.Spend()) {
    ++hedged_;
    Ask(id, read, next);
  } else {
    ++denied_;
    read->patience *= 2;  // so that reads that wait for the budget cost little
  }
  PlanHedge(id, read);
}

bool QuorumReads::KnowsSession(const PendingRead& read) {
  return read.merged.version.Descends(read.session) || PlantedBug(Bug::kForgetSession);
}

void QuorumReads::AwaitSession(OperationId id, PendingRead* read) {
  Ask(id, read, Choose(*read, context_->quorums().n));
  if (read->behind_session) return;
  read->behind_session = true;
  ++behind_session_;
  DropHedge(id, read);
  read->patience = context_->config().resend_interval;
  PlanHedge(id, read);
}

void QuorumReads::AskAllAgain(OperationId id, PendingRead* read) {
  // An answer that is still under way would be an old one.
  while (!read->awaited.empty()) StopAwaiting(read, read->awaited.back().node);
  read->asked.clear();
  Ask(id, read, Choose(*read, context_->quorums().n));
  PlanHedge(id, read);
  AnswerFromStore(id, read->key);
}

void QuorumReads::AddCounters(StrategyStatus* status) const {
  status->counters["reads_hedged"] = hedged_;
  status->counters["hedges_denied"] = denied_;
  status->counters["reads_behind_session"] = behind_session_;
}

void QuorumReads::Take(OperationId id, NodeId node, const std::optional<Record>& record) {
  const auto it = reads_.find(id);
  if (it == reads_.end()) return;
  PendingRead& read = it->second;
  if (!read.answers.Accept(node)) {
    if (!read.behind_session) return;
    Disown(&read, node);  // it was asked again
  }
  read.versions.push_back(Answer{node, record.has_value() ? record->version : Version()});
  if (!record.has_value()) return;
  if (PlantedBug(Bug::kFirstAnswerWins) && read.versions.size() > 1) return;
  read.merged.Merge(*record);
  held_bytes_ -= read.bytes;
  read.bytes = read.merged.ValueBytes();
  held_bytes_ += read.bytes;
}

void QuorumReads::OnCancel(OperationId id) {
  const auto it = reads_.find(id);
  if (it != reads_.end()) Erase(it);
}

void QuorumReads::Erase(Reads::iterator it) {
  PendingRead& read = it->second;
  for (const Question& question : read.awaited) --peers_[question.node].unanswered;
  DropHedge(it->first, &read);
  held_bytes_ -= read.bytes;
  answered_.erase(it->first);
  reads_.erase(it);
}

void QuorumReads::Advance(OperationId id) {
  const auto it = reads_.find(id);
  if (it == reads_.end()) return;
  PendingRead& read = it->second;
  const int required = read.answers.required();
  const bool self_pending = !read.answers.Answered(context_->config().self);
  const auto possible = [&read, self_pending] {
    return read.answers.accepted() + static_cast<int>(read.awaited.size()) + (self_pending ? 1 : 0);
  };
  if (!read.completed && possible() < required) {
    Ask(id, &read, Choose(read, required - possible()));
  }
  const bool met = !read.completed && read.answers.state() == QuorumState::kMet;
  if (met && read.collection != nullptr) return HandOver(id, &read);
  if (met && !KnowsSession(read)) return AwaitSession(id, &read);
  if (met) {
    CompleteMet(id, &read);
  } else if (!read.completed && possible() < required) {
    Complete(id, &read,
             NotSent(absl::UnavailableError(absl::StrCat(
                 AskerName(IsWrite(read)), " needs ", required, " answers and only ", possible(),
                 " replicas can give one; the others are away, wait for their "
                 "disks, or may have forgotten writes"))));
  }
  if (read.awaited.empty() && !self_pending) Settle(id);
}

void QuorumReads::Complete(OperationId id, PendingRead* read, OperationResult result) {
  read->completed = true;
  answered_.insert(id);
  DropHedge(id, read);
  result.answers = read->answers.accepted();
  result.required = read->answers.required();
  context_->Complete(id, std::move(result));
}

bool QuorumReads::IsWrite(const PendingRead& read) {
  return read.collection != nullptr && read.collection->operation.is_write();
}

void QuorumReads::Disown(PendingRead* read, NodeId peer) {
  read->versions.erase(std::remove_if(read->versions.begin(), read->versions.end(),
                                      [peer](const Answer& answer) { return answer.node == peer; }),
                       read->versions.end());
}

void QuorumReads::HandOver(OperationId id, PendingRead* read) {
  Collected collected;
  collected.disagreed = Disagree(*read);
  collected.answers = read->answers.accepted();
  collected.required = read->answers.required();
  for (const Answer& answer : read->versions) {
    if (answer.version == read->merged.version) collected.holders.push_back(answer.node);
  }
  const std::unique_ptr<Collection> collection = std::move(read->collection);
  collected.operation = std::move(collection->operation);
  collected.merged = std::move(read->merged);
  Erase(reads_.find(id));
  collection->then(id, std::move(collected));
}

void QuorumReads::CompleteMet(OperationId id, PendingRead* read) {
  OperationResult result;
  result.node = context_->config().self;
  result.disagreed = Disagree(*read);
  if (!read->merged.version.empty()) {
    result.order = OrderOf(read->merged);
    result.record = read->merged;
  }
  Complete(id, read, std::move(result));
}

bool QuorumReads::Disagree(const PendingRead& read) {
  for (const Answer& answer : read.versions) {
    if (!(answer.version == read.versions.front().version)) return true;
  }
  return false;
}

void QuorumReads::Settle(OperationId id) {
  const auto it = reads_.find(id);
  if (it->second.collection != nullptr) return Erase(it);
  SettledRead settled{it->second.key, std::move(it->second.merged), {}};
  for (const Answer& answer : it->second.versions) {
    if (!(answer.version == settled.merged.version)) settled.behind.push_back(answer.node);
  }
  Erase(it);
  on_settled_(settled);
}

void QuorumReads::SettleOld(MonotonicTime started) {
  std::vector<OperationId> old;
  for (const OperationId id : answered_) {
    if (reads_.at(id).started < started) old.push_back(id);
  }
  for (const OperationId id : old) Settle(id);
  for (auto& [id, peer] : peers_) peer.refuses = false;
}

std::string QuorumReads::WhyLate(const PendingRead& read) {
  if (read.behind_session) {
    return "no replica that answered in time holds all that the session has seen";
  }
  return absl::StrCat(AskerName(IsWrite(read)), " had ", read.answers.accepted(), " of the ",
                      read.answers.required(), " answers it needs when its time was over",
                      IsWrite(read) ? "; nothing was written" : "");
}

bool QuorumReads::OnExpire(OperationId id) {
  const auto it = reads_.find(id);
  if (it == reads_.end()) return false;
  PendingRead& read = it->second;
  if (!read.completed) {
    OperationResult result;
    result.status = absl::DeadlineExceededError(WhyLate(read));
    Complete(id, &read, std::move(result));
  }
  Settle(id);
  return true;
}

}  // namespace quorate
