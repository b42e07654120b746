// PeerSessions: numbered sessions over a transport that may lose, repeat and reorder.
//
// Every node dials every other. The dialled side numbers the session, so that numbers grow without
// anyone's clock; a batch counts only in the newest session of both incarnations, and only once.
// What is lost stays lost: whoever needs an answer asks again.
//
// A session to a peer is a lease: it ends peer_timeout after the last request was sent that the
// peer is known to have got, however long the answer was on its way. So peer_timeout after a peer's
// life has ended nobody counts any more what it has acknowledged in that life, if only everybody
// looks at the clock before it counts: see GiveUpSilent.
//
// Not thread-safe: runs on the replica's strand.
#ifndef QUORATE_REPLICATION_SESSIONS_H_
#define QUORATE_REPLICATION_SESSIONS_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"

#include "proto/peer.pb.h"
#include "replication/cluster_config.h"
#include "replication/env.h"
#include "replication/replay_window.h"

namespace quorate {

// What the sessions tell their owner.
class SessionListener {
 public:
  virtual ~SessionListener() = default;
  virtual void OnSessionUp(NodeId peer) = 0;
  virtual void OnSessionDown(NodeId peer) = 0;
  virtual void OnSessionMessage(NodeId from, const peer::v1::Message& message) = 0;
  // The replicas that this node counts, 0 where it does not know yet.
  virtual int ReplicaCount() const = 0;
  virtual void FillPing(NodeId to, peer::v1::Ping* ping) = 0;
};

class PeerSessions {
 public:
  // All must outlive the sessions.
  PeerSessions(const ClusterConfig* config, Incarnation incarnation, Env* env,
               SessionListener* listener);

  // The transport has, or has lost, a way to `peer`.
  void Link(NodeId peer, bool up);

  // Every heartbeat_interval: gives up, greets, pings.
  void Tick();

  // Ends the sessions whose peer has been silent for too long. To be called before anything else
  // whenever Env::Now() has moved on: this node may have stood still meanwhile.
  void GiveUpSilent();

  void Receive(const peer::v1::Batch& batch);

  // Queues an encoded message until Flush; drops it where there is no session for it. Requests use
  // this node's session to the peer, replies the peer's session to this node.
  void Send(NodeId to, bool reply, std::shared_ptr<const std::string> message);

  // Hands what is queued to the transport, in batches of at most 1 MiB (a larger message alone).
  void Flush();

  // The place of a request that is queued for `peer` now, or of an earlier one where much is queued
  // before it; see Answered. Holds in this session.
  uint64_t RequestMark(NodeId peer) const;
  // Whether the peer has got that request, or what was sent after it, and has answered something
  // since. Answers keep their order: where a request is one that is answered at once, its answer
  // has come then, or is lost.
  bool Answered(NodeId peer, uint64_t mark) const;

  std::vector<NodeId> Connected() const;
  bool Connected(NodeId peer) const;
  Incarnation PeerIncarnation(NodeId peer) const;
  // Why the last greeting of `peer` was refused; empty where it was not.
  std::string Refusal(NodeId peer) const;

 private:
  using Queue = std::vector<std::shared_ptr<const std::string>>;

  struct Sent {  // a request batch, and when it left
    uint64_t sequence = 0;
    MonotonicTime at;
  };

  struct Outgoing {  // this node dials
    bool linked = false;
    bool open = false;
    uint64_t attempt = 0;
    uint64_t session = 0;
    Incarnation peer_incarnation = 0;
    uint64_t next_sequence = 1;
    uint64_t answered = 0;  // the highest sequence that the peer's replies say it has seen
    ReplayWindow replies_seen;
    std::deque<Sent> sent;      // oldest first; not answered yet
    MonotonicTime known_alive;  // the peer has lived after this
    std::string refusal;
    Queue queue;
  };

  struct Incoming {           // the peer dials
    uint64_t last_given = 0;  // the newest number given to this peer
    uint64_t session = 0;     // the newest one in which something has arrived
    Incarnation peer_incarnation = 0;
    uint64_t next_sequence = 1;
    ReplayWindow requests_seen;
    uint64_t told_seen = 0;  // of requests_seen, when the queue was last flushed
    Queue queue;
  };

  void Greet(NodeId peer, Outgoing* out);
  void Ping(NodeId peer);
  void Close(NodeId peer, Outgoing* out);
  void NoteSent(Outgoing* out);
  void OnHello(const peer::v1::Batch& batch, const peer::v1::Hello& hello);
  void OnHelloReply(const peer::v1::Batch& batch, const peer::v1::HelloReply& reply);
  std::string RefusalFor(const peer::v1::Batch& batch, const peer::v1::Hello& hello) const;
  bool AcceptRequest(const peer::v1::Batch& batch);
  bool AcceptReply(const peer::v1::Batch& batch);
  void SendGreeting(NodeId to, bool reply, Incarnation to_incarnation,
                    const peer::v1::Message& message);
  // What all batches of a session's queue say.
  struct Heading {
    bool reply = false;
    uint64_t session = 0;
    Incarnation to_incarnation = 0;
    uint64_t seen = 0;         // at the end of the queue
    uint64_t seen_before = 0;  // at its start
  };
  void FlushQueue(NodeId to, const Heading& heading, uint64_t* next_sequence, Queue* queue);
  peer::v1::Batch NewBatch(bool reply) const;

  const ClusterConfig* const config_;
  const Incarnation incarnation_;
  Env* const env_;
  SessionListener* const listener_;
  absl::btree_map<NodeId, Outgoing> outgoing_;
  absl::btree_map<NodeId, Incoming> incoming_;
  uint64_t last_given_ = 0;  // session number, over all peers
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_SESSIONS_H_
