#include "replication/sessions.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace quorate {
namespace {

constexpr size_t kMaxBatchBytes = size_t{1} << 20;

// Peers that may have greeted this node: a bound against strangers, far above any cluster.
constexpr size_t kMaxPeers = 256;

// How many requests in a heartbeat_interval are remembered with the time at which they left.
constexpr int kSentInAHeartbeat = 4;

}  // namespace

PeerSessions::PeerSessions(const ClusterConfig* config, Incarnation incarnation, Env* env,
                           SessionListener* listener)
    : config_(config), incarnation_(incarnation), env_(env), listener_(listener) {}

void PeerSessions::Link(NodeId peer, bool up) {
  Outgoing& out = outgoing_[peer];
  out.linked = up;
  out.attempt = 0;
  // A fresh link means that the old one is gone, and with it whatever it carried.
  Close(peer, &out);
  if (up) Greet(peer, &out);
}

void PeerSessions::Tick() {
  GiveUpSilent();
  for (auto& [peer, out] : outgoing_) {
    if (out.open) {
      Ping(peer);
    } else if (out.linked) {
      Greet(peer, &out);
    }
  }
}

void PeerSessions::GiveUpSilent() {
  for (auto& [peer, out] : outgoing_) {
    if (!out.open || env_->Now() - out.known_alive <= config_->peer_timeout) continue;
    Close(peer, &out);
    if (out.linked) Greet(peer, &out);
  }
}

void PeerSessions::Ping(NodeId peer) {
  peer::v1::Message message;
  listener_->FillPing(peer, message.mutable_ping());
  Send(peer, /*reply=*/false, std::make_shared<const std::string>(message.SerializeAsString()));
}

void PeerSessions::Greet(NodeId peer, Outgoing* out) {
  // One number until the session is open: an answer may take longer than the next greeting.
  if (out->attempt == 0) out->attempt = env_->Random();
  peer::v1::Message message;
  peer::v1::Hello* hello = message.mutable_hello();
  hello->set_attempt(out->attempt);
  hello->set_strategy(config_->strategy);
  hello->set_n(listener_->ReplicaCount());
  hello->set_durability(DurabilityName(config_->durability));
  hello->set_write_mode(WriteModeName(config_->write_mode));
  SendGreeting(peer, /*reply=*/false, /*to_incarnation=*/0, message);
}

void PeerSessions::Close(NodeId peer, Outgoing* out) {
  if (!out->open) return;
  out->open = false;
  out->attempt = 0;
  out->queue.clear();
  listener_->OnSessionDown(peer);
}

void PeerSessions::Receive(const peer::v1::Batch& batch) {
  const NodeId from = batch.from();
  if (batch.cluster() != config_->cluster && batch.session() != 0) return;
  if (from == 0) return;
  const bool greeting = batch.session() == 0;
  if (!greeting && !(batch.reply() ? AcceptReply(batch) : AcceptRequest(batch))) return;
  for (const std::string& bytes : batch.messages()) {
    peer::v1::Message message;
    if (!message.ParseFromString(bytes)) continue;  // damaged: as good as lost
    if (message.has_hello()) {
      if (greeting && !batch.reply()) OnHello(batch, message.hello());
    } else if (message.has_hello_reply()) {
      if (greeting && batch.reply()) OnHelloReply(batch, message.hello_reply());
    } else if (!greeting) {
      listener_->OnSessionMessage(from, message);
    }
  }
}

bool PeerSessions::AcceptRequest(const peer::v1::Batch& batch) {
  const auto it = incoming_.find(batch.from());
  if (it == incoming_.end() || batch.to_incarnation() != incarnation_) return false;
  Incoming& in = it->second;
  if (batch.session() < in.session || batch.session() > in.last_given) return false;
  if (batch.session() > in.session) {
    in.session = batch.session();
    in.next_sequence = 1;
    in.requests_seen = ReplayWindow();
    in.told_seen = 0;
    in.queue.clear();
    in.peer_incarnation = batch.from_incarnation();
    // A peer that has started anew knows nothing of this node's session to it.
    Outgoing& out = outgoing_[batch.from()];
    if (out.open && out.peer_incarnation != batch.from_incarnation()) {
      Close(batch.from(), &out);
      Greet(batch.from(), &out);
    }
  }
  if (in.peer_incarnation != batch.from_incarnation()) return false;
  return in.requests_seen.Accept(batch.sequence());
}

bool PeerSessions::AcceptReply(const peer::v1::Batch& batch) {
  const auto it = outgoing_.find(batch.from());
  if (it == outgoing_.end() || batch.to_incarnation() != incarnation_) return false;
  Outgoing& out = it->second;
  if (!out.open || batch.session() != out.session) return false;
  if (batch.from_incarnation() != out.peer_incarnation) return false;
  if (!out.replies_seen.Accept(batch.sequence())) return false;
  out.answered = std::max(out.answered, batch.seen());
  for (; !out.sent.empty() && out.sent.front().sequence <= batch.seen(); out.sent.pop_front()) {
    out.known_alive = out.sent.front().at;
  }
  return true;
}

std::string PeerSessions::RefusalFor(const peer::v1::Batch& batch,
                                     const peer::v1::Hello& hello) const {
  if (batch.cluster() != config_->cluster) {
    return absl::StrCat("belongs to cluster '", config_->cluster, "', not to '", batch.cluster(),
                        "'");
  }
  if (batch.from() == config_->self) {
    return absl::StrCat("has the same node id, ", config_->self);
  }
  if (hello.strategy() != config_->strategy) {
    return absl::StrCat("replicates by ", config_->strategy, ", not by ", hello.strategy());
  }
  if (hello.durability() != DurabilityName(config_->durability)) {
    return absl::StrCat("acknowledges at durability ", DurabilityName(config_->durability),
                        ", not at ", hello.durability());
  }
  if (hello.write_mode() != WriteModeName(config_->write_mode)) {
    return absl::StrCat("writes in mode ", WriteModeName(config_->write_mode), ", not ",
                        hello.write_mode());
  }
  if (incoming_.size() >= kMaxPeers && incoming_.find(batch.from()) == incoming_.end()) {
    return "has been greeted by too many nodes";
  }
  const int n = listener_->ReplicaCount();
  if (n != 0 && hello.n() != 0 && static_cast<uint32_t>(n) != hello.n()) {
    return absl::StrCat("counts ", n, " replicas, not ", hello.n());
  }
  return "";
}

void PeerSessions::OnHello(const peer::v1::Batch& batch, const peer::v1::Hello& hello) {
  if (incoming_.size() >= kMaxPeers) {
    // Strangers that have greeted and said nothing else must not keep real peers out.
    for (auto it = incoming_.begin(); it != incoming_.end();) {
      it = it->second.session == 0 ? incoming_.erase(it) : std::next(it);
    }
  }
  peer::v1::Message message;
  peer::v1::HelloReply* reply = message.mutable_hello_reply();
  reply->set_attempt(hello.attempt());
  reply->set_refusal(RefusalFor(batch, hello));
  if (reply->refusal().empty()) {
    reply->set_session(++last_given_);
    incoming_[batch.from()].last_given = last_given_;
  }
  SendGreeting(batch.from(), /*reply=*/true, batch.from_incarnation(), message);
}

void PeerSessions::OnHelloReply(const peer::v1::Batch& batch, const peer::v1::HelloReply& reply) {
  const auto it = outgoing_.find(batch.from());
  if (it == outgoing_.end() || batch.to_incarnation() != incarnation_) return;
  Outgoing& out = it->second;
  if (!out.linked || out.open || reply.attempt() != out.attempt) return;
  if (out.refusal != reply.refusal()) {
    out.refusal = reply.refusal();
    if (!out.refusal.empty()) {
      env_->Log(absl::StrCat("node ", batch.from(), " refuses this node: it ", out.refusal));
    }
  }
  if (!out.refusal.empty() || reply.session() == 0) return;
  out.open = true;
  out.session = reply.session();
  out.peer_incarnation = batch.from_incarnation();
  out.next_sequence = 1;
  out.answered = 0;
  out.replies_seen = ReplayWindow();
  // Nothing that the peer has acknowledged in this session can be older.
  out.known_alive = env_->Now();
  out.sent.clear();
  listener_->OnSessionUp(batch.from());
  Ping(batch.from());  // the other side counts the session from its first message on
}

void PeerSessions::Send(NodeId to, bool reply, std::shared_ptr<const std::string> message) {
  if (reply) {
    const auto it = incoming_.find(to);
    if (it != incoming_.end() && it->second.session != 0) {
      it->second.queue.push_back(std::move(message));
    }
    return;
  }
  const auto it = outgoing_.find(to);
  if (it != outgoing_.end() && it->second.open) it->second.queue.push_back(std::move(message));
}

void PeerSessions::Flush() {
  for (auto& [peer, out] : outgoing_) {
    if (!out.queue.empty()) NoteSent(&out);
    FlushQueue(peer, {false, out.session, out.peer_incarnation, 0, 0}, &out.next_sequence,
               &out.queue);
  }
  for (auto& [peer, in] : incoming_) {
    const uint64_t seen = in.requests_seen.highest();
    FlushQueue(peer, {true, in.session, in.peer_incarnation, seen, in.told_seen}, &in.next_sequence,
               &in.queue);
    in.told_seen = seen;
  }
}

// Bounded, since a session ends where nothing is answered.
void PeerSessions::NoteSent(Outgoing* out) {
  const MonotonicTime now = env_->Now();
  const absl::Duration pause = config_->heartbeat_interval / kSentInAHeartbeat;
  if (out->sent.empty() || now - out->sent.back().at >= pause) {
    out->sent.push_back({out->next_sequence, now});
  }
}

void PeerSessions::FlushQueue(NodeId to, const Heading& heading, uint64_t* next_sequence,
                              Queue* queue) {
  size_t next = 0;
  while (next < queue->size()) {
    peer::v1::Batch batch = NewBatch(heading.reply);
    batch.set_to_incarnation(heading.to_incarnation);
    batch.set_session(heading.session);
    batch.set_sequence((*next_sequence)++);
    size_t bytes = 0;
    for (; next < queue->size(); ++next) {
      const std::string& message = *(*queue)[next];
      if (bytes > 0 && bytes + message.size() > kMaxBatchBytes) break;
      bytes += message.size();
      batch.add_messages(message);
    }
    // With the last of the answers to what has been seen.
    batch.set_seen(next == queue->size() ? heading.seen : heading.seen_before);
    env_->Send(to, std::move(batch));
  }
  queue->clear();
}

void PeerSessions::SendGreeting(NodeId to, bool reply, Incarnation to_incarnation,
                                const peer::v1::Message& message) {
  peer::v1::Batch batch = NewBatch(reply);
  batch.set_to_incarnation(to_incarnation);
  batch.add_messages(message.SerializeAsString());
  env_->Send(to, std::move(batch));
}

peer::v1::Batch PeerSessions::NewBatch(bool reply) const {
  peer::v1::Batch batch;
  batch.set_cluster(config_->cluster);
  batch.set_from(config_->self);
  batch.set_from_incarnation(incarnation_);
  batch.set_reply(reply);
  return batch;
}

std::vector<NodeId> PeerSessions::Connected() const {
  std::vector<NodeId> peers;
  for (const auto& [peer, out] : outgoing_) {
    if (out.open) peers.push_back(peer);
  }
  return peers;
}

uint64_t PeerSessions::RequestMark(NodeId peer) const {
  const auto it = outgoing_.find(peer);
  return it == outgoing_.end() ? 0 : it->second.next_sequence;
}

bool PeerSessions::Answered(NodeId peer, uint64_t mark) const {
  const auto it = outgoing_.find(peer);
  return it != outgoing_.end() && it->second.open && it->second.answered >= mark;
}

bool PeerSessions::Connected(NodeId peer) const {
  const auto it = outgoing_.find(peer);
  return it != outgoing_.end() && it->second.open;
}

Incarnation PeerSessions::PeerIncarnation(NodeId peer) const {
  const auto it = outgoing_.find(peer);
  return it != outgoing_.end() && it->second.open ? it->second.peer_incarnation : 0;
}

std::string PeerSessions::Refusal(NodeId peer) const {
  const auto it = outgoing_.find(peer);
  return it == outgoing_.end() ? "" : it->second.refusal;
}

}  // namespace quorate
