#include "replication/dynamo/leaderless.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"

#include "replication/catch_up.h"
#include "replication/outcomes.h"
#include "replication/storage/planted_bugs.h"

namespace quorate {
namespace {

constexpr TimerId kCompareTimer = 0;
constexpr TimerId kSweepTimer = 1;
constexpr TimerId kReadTimer = 2;

// A repair wants no acknowledgement.
constexpr uint64_t kRepairNumber = 0;

// Entries of a key's version vector above which nobody adds one; merging may exceed it, up to
// Version::kMaxEntries.
constexpr size_t kMaxActors = 512;

// A comparison in the background that takes longer is no reason for the next one to wait: where
// keys are written in their order and faster than the budget allows to read, it never ends.
constexpr absl::Duration kLongestTurn = absl::Hours(1);

// After a comparison a replica rests for so many times what it has taken, but not for longer than
// the time from one comparison in the background to the next.
constexpr int kRestPerComparison = 20;

}  // namespace

Leaderless::Leaderless(StrategyContext* context)
    : context_(context),
      syncing_(context->MayHaveForgotten() && context->quorums().n > 1),
      reads_(context, kReadTimer, [this](const SettledRead& read) { Repair(read); }),
      writes_(context, [this](NodeId peer) { Miss(peer); }) {}

Guarantee Leaderless::Promise(const Quorums& quorums) const {
  Guarantee guarantee;
  guarantee.keeps_acknowledged_writes = true;
  guarantee.converges = true;
  guarantee.sessions = true;
  guarantee.no_stale_reads = quorums.w + quorums.r > quorums.n;
  guarantee.linearizable = guarantee.linearizable_on_request = linearizable();
  if (guarantee.linearizable) {
    guarantee.summary =
        "linearizable: every read and write of a key takes effect at one moment between its call "
        "and its answer";
    return guarantee;
  }
  guarantee.summary =
      guarantee.no_stale_reads
          ? "regular: a read knows every write acknowledged before it began; of concurrent writes "
            "the later clock wins"
          : "eventual: a read may miss acknowledged writes, replicas converge; of concurrent "
            "writes "
            "the later clock wins";
  return guarantee;
}

StrategyStatus Leaderless::Status() const {
  StrategyStatus status;
  status.role = "replica";
  status.counters["conflicts"] = conflicts_;
  status.counters["read_repairs"] = repairs_;
  if (linearizable()) status.counters["read_write_backs"] = write_backs_;
  status.counters["writes_in_flight"] = writes_.in_flight();
  reads_.AddCounters(&status);
  if (!syncing_) return status;
  const auto [whole, any] = CountCompared();
  status.state = ReplicaState::kSyncing;
  status.detail =
      absl::StrCat("this node may have forgotten acknowledged writes: it must compare with ",
                   OthersToHear(context_->quorums().n, context_->quorums().w),
                   " nodes that have kept their data (so far ", whole, "), or with all ",
                   context_->quorums().n - 1, " others (so far ", any, ")");
  return status;
}

void Leaderless::Start() {
  // By then every coordinator has given up its sessions with this node's earlier life, and counts
  // nothing any more that this node acknowledged then.
  counts_from_ =
      context_->Now() + context_->config().peer_timeout + 2 * context_->config().heartbeat_interval;
  context_->SetTimer(kCompareTimer, context_->config().anti_entropy_interval);
  context_->SetTimer(kSweepTimer, context_->config().peer_timeout);
}

void Leaderless::OnSubmit(OperationId id, const Operation& operation) {
  if (syncing_) return context_->Complete(id, NotSent(absl::UnavailableError(Status().detail)));
  absl::StatusOr<Version> session = SessionOf(operation, /*sequenced=*/false);
  if (!session.ok()) return context_->Complete(id, NotSent(session.status()));
  if (linearizable() && (operation.w.has_value() || operation.r.has_value())) {
    return context_->Complete(
        id, NotSent(absl::FailedPreconditionError(
                "this cluster is linearizable: majorities answer every operation, so a request "
                "must leave W and R out")));
  }
  if (operation.is_write() && !operation.request.empty() && Repeat(id, operation)) return;
  if (operation.is_write() && !linearizable()) return StartWrite(id, operation);
  // Not to ask replicas before they have got what this drain has written.
  if (context_->store().IsPending(operation.key)) writes_.SendGathered();
  if (!linearizable()) return reads_.Start(id, operation, *std::move(session));
  if (operation.is_write() && PlantedBug(Bug::kWriteWithoutAsking)) {
    return WriteAndSend(id, operation, Version(), context_->quorums().w);
  }
  reads_.Collect(id, operation, context_->quorums().w,
                 [this](OperationId collected_id, Collected collected) {
                   OnCollected(collected_id, std::move(collected));
                 });
}

void Leaderless::StartWrite(OperationId id, const Operation& operation) {
  // A session comes after all that it has seen, unless it says itself what it replaces.
  const absl::StatusOr<Version> context = ParseContextToken(
      operation.key, operation.context.empty() ? operation.session : operation.context);
  if (!context.ok()) return context_->Complete(id, NotSent(context.status()));
  const int required = operation.w.value_or(context_->quorums().w);
  WriteAndSend(id, operation, *context, required);
}

void Leaderless::WriteAndSend(OperationId id, const Operation& operation, const Version& context,
                              int required) {
  const int live = 1 + static_cast<int>(context_->ConnectedPeers().size());
  if (live < required) {
    return context_->Complete(id, TooFewReplicas(operation, required, live));
  }
  OutgoingRecord outgoing;
  outgoing.required = PlantedBug(Bug::kAnswerBeforeW) ? std::max(1, required - 1) : required;
  absl::StatusOr<std::string> record = Write(operation, context, &outgoing.result);
  if (!record.ok()) return context_->Complete(id, NotSent(record.status()));
  outgoing.key = operation.key;
  outgoing.record = *std::move(record);
  writes_.Start(id, std::move(outgoing), Peers());
}

void Leaderless::OnCollected(OperationId id, Collected collected) {
  if (!collected.operation.is_write()) return ReturnCollected(id, std::move(collected));
  const std::string& key = collected.operation.key;
  if (!collected.merged.version.empty() && !MergeFrom(key, std::move(collected.merged))) {
    return context_->Complete(id, NotSent(NotMerged()));
  }
  // The same write may have come to this node twice, and its other try was sooner.
  if (const NamedWrite* known = named_.Find(collected.operation.request)) {
    return FinishNamed(id, *known, collected.operation);
  }
  // A register's write replaces all that was there, whatever its client has seen of it.
  collected.operation.context.clear();
  WriteAndSend(id, collected.operation, Version(), collected.required);
}

void Leaderless::ReturnCollected(OperationId id, Collected collected) {
  OutgoingRecord outgoing;
  OperationResult& result = outgoing.result;
  result.node = context_->config().self;
  result.answers = collected.answers;
  result.required = outgoing.required = collected.required;
  result.disagreed = collected.disagreed;
  if (const Sibling* newest = collected.merged.Winner()) {
    result.order = OrderOf(collected.merged);
    result.record = Record{collected.merged.version, {*newest}};
  }
  // A majority knows it, unless too many have forgotten.
  const absl::StatusOr<Version> session = SessionOf(collected.operation, /*sequenced=*/false);
  const absl::Status known =
      session.ok() ? CheckKnowsSession(collected.merged.version, *session) : session.status();
  if (!known.ok()) return context_->Complete(id, NotSent(known));
  const bool held = static_cast<int>(collected.holders.size()) >= collected.required;
  if (held || !result.record.has_value() || PlantedBug(Bug::kReadWithoutWriteBack)) {
    return context_->Complete(id, std::move(result));
  }
  ++write_backs_;
  outgoing.read = true;
  outgoing.key = std::move(collected.operation.key);
  outgoing.record = collected.merged.Encode();
  outgoing.holders = std::move(collected.holders);
  if (!MergeFrom(outgoing.key, std::move(collected.merged))) {
    return context_->Complete(id, NotSent(NotMerged()));
  }
  writes_.Start(id, std::move(outgoing), Peers());
}

std::vector<NodeId> Leaderless::Peers() const {
  std::vector<NodeId> peers;
  for (const auto& [peer, state] : peers_) peers.push_back(peer);
  return peers;
}

absl::StatusOr<std::string> Leaderless::Write(const Operation& operation, const Version& context,
                                              OperationResult* result) {
  absl::StatusOr<std::optional<Record>> current = context_->store().Get(operation.key);
  if (!current.ok()) {
    context_->FailStop(current.status());
    return current.status();
  }
  Record record = current->has_value() ? **std::move(current) : Record();
  if (context.sequenced()) return ForeignToken("context");
  HybridClock clock = clock_;
  for (const Sibling& sibling : record.siblings) clock.Observe(sibling.clock);
  const absl::Duration ahead = clock.Ahead(context_->WallNow());
  if (ahead > context_->config().max_clock_skew) {
    return absl::UnavailableError(absl::StrCat(
        "this node's clock is behind what other nodes have written by ",
        absl::FormatDuration(ahead),
        ", more than --max_clock_skew; set the clocks right, or write through another node"));
  }
  clock_ = clock;
  const Actor self{context_->config().self, context_->store().state().incarnation()};
  // A client without a context has seen what this node has (doc/semantics.md 32).
  Version seen = context;
  if (operation.context.empty()) seen.Join(record.version);
  const uint64_t counter = 1 + std::max(record.version.CounterOf(self), context.CounterOf(self));
  if (counter >= Version::kMaxCounter) {
    return absl::InvalidArgumentError("context is out of range; read the key again");
  }
  Sibling sibling;
  sibling.dot = Dot{self, counter};
  sibling.clock = clock_.Tick(context_->WallNow());
  sibling.tombstone = operation.kind == OperationKind::kDelete;
  sibling.value = operation.value;
  sibling.request = operation.request;
  result->node = context_->config().self;
  result->order = OrderOf(Version(), sibling);
  const bool was_conflicting = record.conflicting();
  result->replaced_siblings = record.Put(seen, std::move(sibling));
  const absl::Status bounded = CheckBounds(record);
  if (!bounded.ok()) return bounded;
  if (record.conflicting()) {
    if (!was_conflicting) ++conflicts_;
    // The writer has not seen the values beside its own: a next write must not replace them, but
    // may replace its own where that can be told apart.
    const Dot own{self, counter};
    Version with_own = seen;
    with_own.Add(own);
    result->seen = record.OthersCoveredBy(with_own, own) ? seen : with_own;
  }
  result->record = Record{record.version, {}};
  absl::StatusOr<MergeOutcome> merged = context_->store().Merge(operation.key, std::move(record));
  if (!merged.ok()) {
    if (!absl::IsInvalidArgument(merged.status())) context_->FailStop(merged.status());
    return merged.status();
  }
  CHECK(merged->changed) << "a dot that the store knows already";
  if (!operation.request.empty()) named_.Add(operation, *result);
  return std::string(merged->encoded);
}

absl::Status Leaderless::CheckBounds(const Record& record) const {
  if (record.version.vector().size() > kMaxActors) {
    return absl::FailedPreconditionError(absl::StrCat(
        kMaxActors, " lives of nodes have written the key, the most that its version can name: a ",
        "node that has not written it since it last lost its data cannot; write to one that has, "
        "or use another key"));
  }
  size_t bytes = 0;
  for (const Sibling& sibling : record.siblings) bytes += sibling.value.size();
  if (record.siblings.size() <= kMaxSiblings &&
      (record.siblings.size() == 1 || bytes <= context_->config().max_value_bytes)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "the key would have ", record.siblings.size(), " concurrent values of ", bytes,
      " bytes together; the limits are ", kMaxSiblings, " and ", context_->config().max_value_bytes,
      ": read the key and write with the context of that read"));
}

void Leaderless::OnExpire(OperationId id) {
  if (!reads_.OnExpire(id)) writes_.OnExpire(id);
}

void Leaderless::OnCancel(OperationId id) {
  reads_.OnCancel(id);
  writes_.OnCancel(id);
}

void Leaderless::OnPeerUp(NodeId id) {
  Peer& peer = peers_[id];
  const Incarnation incarnation = context_->PeerIncarnation(id);
  // The peer's last writes before it started anew may stand on any of the others.
  if (peer.last_incarnation != 0 && peer.last_incarnation != incarnation) {
    for (auto& [other, state] : peers_) ++state.due.wanted;
  }
  if (peer.last_incarnation != incarnation) peer.due.missed = 0;
  peer.last_incarnation = incarnation;
}

void Leaderless::OnPeerDown(NodeId peer) {
  reads_.OnPeerDown(peer);
  writes_.OnPeerDown(peer);
}

void Leaderless::OnMessage(NodeId from, const peer::v1::Message& message) {
  switch (message.body_case()) {
    case peer::v1::Message::kReplicate:
      return OnReplicate(from, message.replicate());
    case peer::v1::Message::kReplicateAck:
      return OnReplicateAck(from, message.replicate_ack());
    case peer::v1::Message::kRead:
      return reads_.Serve(from, message.read(), KnowsItsPast());
    case peer::v1::Message::kReadReply:
      return reads_.OnReply(from, message.read_reply());
    default:
      return;  // a message of another strategy
  }
}

bool Leaderless::MergeFrom(absl::string_view key, Record record) {
  if (record.version.sequenced()) return false;
  uint64_t clock = 0;
  for (const Sibling& sibling : record.siblings) clock = std::max(clock, sibling.clock);
  const absl::StatusOr<MergeOutcome> merged = context_->store().Merge(key, std::move(record));
  if (!merged.ok()) {
    if (!absl::IsInvalidArgument(merged.status())) context_->FailStop(merged.status());
    return false;
  }
  // What the store had before, a write of that key looks at.
  if (merged->changed) clock_.Observe(clock);
  if (merged->changed && merged->conflicting) ++conflicts_;
  return true;
}

void Leaderless::OnReplicate(NodeId from, const peer::v1::Replicate& replicate) {
  for (const peer::v1::LogEntry& entry : replicate.entries()) {
    absl::StatusOr<Record> record = Record::Decode(entry.record());
    if (!record.ok()) continue;  // damaged: as good as lost
#ifdef QUORATE_PLANTED_BUGS
    if (PlantedBug(Bug::kRepairWithOlder) && entry.number() == kRepairNumber) {
      context_->store().OverwriteForTest(entry.key(), *record);
      continue;
    }
#endif
    if (!MergeFrom(entry.key(), *std::move(record)) || entry.number() == kRepairNumber) continue;
    acks_[from].mutable_replicate_ack()->add_operations(entry.number());
  }
}

void Leaderless::OnReplicateAck(NodeId from, const peer::v1::ReplicateAck& ack) {
  for (const uint64_t id : ack.operations()) {
    if (ack.syncing() && linearizable()) {
      writes_.OnRefused(id, from);
    } else {
      writes_.OnAcknowledged(id, from);
    }
  }
}

void Leaderless::Repair(const SettledRead& read) {
  if (read.merged.version.empty() || read.behind.empty()) return;
  peer::v1::Message message;
  peer::v1::LogEntry* entry = message.mutable_replicate()->add_entries();
  entry->set_number(kRepairNumber);
  entry->set_key(read.key);
  entry->set_record(read.merged.Encode());
  for (const NodeId node : read.behind) {
    ++repairs_;
    if (node == context_->config().self) {
      MergeFrom(read.key, read.merged);
    } else {
      context_->Send(node, message);
    }
  }
}

void Leaderless::FillPing(NodeId to, peer::v1::Ping* ping) { ping->set_missed(peers_[to].missed); }

void Leaderless::OnPing(NodeId from, const peer::v1::Ping& ping) {
  Peer& peer = peers_[from];
  peer.due.missed = ping.missed();
  // Compared with while it had itself forgotten, or too early to count; by now it would count.
  if (syncing_ && !ping.syncing() && peer.ever_compared && !peer.compared_whole) ++peer.due.wanted;
  Compare();
}

void Leaderless::Compare() {
  NodeId next = 0;
  for (auto& [id, peer] : peers_) {
    if (!MayCompare(id) || !IsUrgent(id, peer)) continue;
    // The first one after the last, so that all have their turn.
    const bool wraps = next != 0 && next <= last_urgent_;
    if (next == 0 || (wraps && id > last_urgent_)) next = id;
  }
  // One at a time: peers that hold the same would all send it.
  if (next == 0 || context_->catch_up().GetsOn(CatchUp::Pace::kUrgent)) return;
  last_urgent_ = next;
  Pull(next, CatchUp::Pace::kUrgent);
}

void Leaderless::CompareInTurn() {
  // One at a time here too: the budget is what a node takes, however much it holds.
  const auto last = peers_.find(last_compared_);
  if (last != peers_.end() && context_->Now() - last->second.comparing_since < kLongestTurn &&
      context_->catch_up().GetsOn(CatchUp::Pace::kBackground)) {
    return;
  }
  auto next = peers_.upper_bound(last_compared_);
  for (size_t tried = 0; tried < peers_.size(); ++tried, ++next) {
    if (next == peers_.end()) next = peers_.begin();
    if (!MayCompare(next->first)) continue;
    last_compared_ = next->first;
    return Pull(next->first, CatchUp::Pace::kBackground);
  }
}

bool Leaderless::MayCompare(NodeId id) const {
  return context_->PeerIncarnation(id) != 0 && !(syncing_ && context_->Now() < counts_from_);
}

bool Leaderless::IsUrgent(NodeId id, const Peer& peer) const {
  if (peer.compared_incarnation != context_->PeerIncarnation(id)) return true;
  if (peer.compared.wanted < peer.due.wanted) return true;
  const bool rests = !syncing_ && context_->Now() < peer.rests_until;
  return peer.compared.missed < peer.due.missed && !rests;
}

void Leaderless::Pull(NodeId id, CatchUp::Pace pace) {
  Peer& peer = peers_[id];
  // What has become due since a comparison began, needs another one after it.
  if (!context_->catch_up().Pulling(id) && !context_->catch_up().Resumes(id)) {
    peer.comparing = peer.due;
    peer.comparing_since = context_->Now();
  }
  context_->catch_up().Pull(id, pace);
}

void Leaderless::OnPulledRecord(NodeId, absl::string_view key, const Record& record) {
  MergeFrom(key, record);
}

void Leaderless::OnPullDone(NodeId from, bool source_was_syncing) {
  Peer& peer = peers_[from];
  peer.compared_incarnation = context_->PeerIncarnation(from);
  peer.compared = peer.comparing;
  peer.rests_until =
      context_->Now() + std::min(kRestPerComparison * (context_->Now() - peer.comparing_since),
                                 context_->config().anti_entropy_interval);
  peer.ever_compared = true;
  peer.compared_whole = peer.compared_whole || !source_was_syncing;
  CheckSynced();
  Compare();
}

std::pair<int, int> Leaderless::CountCompared() const {
  int whole = 0;
  int any = 0;
  for (const auto& [id, peer] : peers_) {
    whole += peer.compared_whole ? 1 : 0;
    any += peer.ever_compared ? 1 : 0;
  }
  return {whole, any};
}

void Leaderless::CheckSynced() {
  if (!syncing_) return;
  const auto [whole, any] = CountCompared();
  const Quorums& quorums = context_->quorums();
  // Peers that have themselves forgotten prove nothing, unless nobody is left to ask.
  const bool enough = whole >= OthersToHear(quorums.n, quorums.w) || any >= quorums.n - 1;
  if (!enough && !PlantedBug(Bug::kServeBeforeComparing)) return;
  context_->WhenDurable([this] {
    if (syncing_) context_->Log("has compared with enough peers: serving");
    syncing_ = false;
  });
}

void Leaderless::OnTimer(TimerId id) {
  if (id == kReadTimer) return reads_.OnTimer();
  if (id == kSweepTimer) {
    const MonotonicTime old = context_->Now() - context_->config().peer_timeout;
    context_->SetTimer(kSweepTimer, context_->config().peer_timeout);
    reads_.SettleOld(old);
    return writes_.GiveUpAnswered(old);
  }
  context_->SetTimer(kCompareTimer, context_->config().anti_entropy_interval);
  CompareInTurn();
}

void Leaderless::OnDrainEnd() {
  writes_.OnDrainEnd();
  if (!acks_.empty()) {
    context_->WhenDurable([this, acks = std::exchange(acks_, {})] {
      for (const auto& [peer, message] : acks) {
        durable_acks_[peer].mutable_replicate_ack()->mutable_operations()->MergeFrom(
            message.replicate_ack().operations());
      }
    });
  }
  for (auto& [peer, message] : durable_acks_) {
    message.mutable_replicate_ack()->set_syncing(syncing_);
    context_->Send(peer, message);
  }
  durable_acks_.clear();
}

}  // namespace quorate
