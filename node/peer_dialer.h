// PeerDialer: keeps a stream open from this node to each of its peers.
//
// An address is all it needs: who lives there, the node at the other end says when it is called. A
// stream that ends, never gets an answer or falls silent is dialled again, after a pause that
// grows. An address that leads to this node itself, to a node that another address leads to as
// well, or to another node than the one that was expected is reported and tried again only now and
// then.
#ifndef QUORATE_NODE_PEER_DIALER_H_
#define QUORATE_NODE_PEER_DIALER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/support/status.h"

#include "node/dialled_stream.h"
#include "node/node_config.h"
#include "node/peer_routes.h"
#include "node/peer_stream.h"
#include "node/poll_loop.h"
#include "proto/peer.pb.h"

namespace quorate {

class LinkListener {
 public:
  virtual ~LinkListener() = default;
  // On the poll thread. There is, or is no longer, a stream to `peer`.
  virtual void OnLink(NodeId peer, bool up) = 0;
  // On the poll thread. All peers whose node ids are known, with their addresses.
  virtual void OnPeers(std::vector<peer::v1::MemberAddress> peers) = 0;
  // On the poll thread. Why the peer at `where` and this node do not go together; empty: they do.
  virtual void OnRefusal(const PeerAddress& where, const std::string& reason) = 0;
};

struct DialTiming {
  absl::Duration first_pause = absl::Milliseconds(50);  // each pause is jittered by half
  absl::Duration longest_pause = absl::Seconds(1);
  absl::Duration pause_after_refusal = absl::Seconds(5);  // an address that leads to a wrong node
  absl::Duration greeting_timeout = absl::Seconds(3);
  absl::Duration silence_timeout = absl::Seconds(3);  // many heartbeats: the connection is dead
};

// All calls are on the poll thread, or before it is started.
class PeerDialer : private DialOwner {
 public:
  // All pointers must outlive the dialer, which must outlive its streams: see idle().
  PeerDialer(const PeerIdentity& self, const DialTiming& timing, PollLoop* loop, PeerRoutes* routes,
             PeerStreamListener* stream_listener, LinkListener* link_listener,
             PeerCounters* counters);
  ~PeerDialer() override;

  // Peers that this node was told of before it started.
  void AddPeers(const std::vector<PeerAddress>& peers);

  // The members of the cluster, as a leader announces them. Those learned earlier that are no
  // longer among them are forgotten; this node itself is passed over, and so is what makes no
  // sense.
  void Learn(const std::vector<peer::v1::MemberAddress>& members);

  // Dials what is due and gives up what takes too long. Returns when it wants to be called again.
  MonotonicTime Tick(MonotonicTime now);

  // Ends all streams and dials no more.
  void Shutdown();
  // Whether all streams have ended.
  bool idle() const;

 private:
  struct Target;

  void OnGreeted(DialledStream* stream, absl::string_view name) override;
  void OnEnded(DialledStream* stream, const grpc::Status& status) override;

  void Dial(Target* target, MonotonicTime now);
  void GiveUp(Target* target, const std::string& reason);
  void OnLinkEnded(Target* target, const std::string& reason);
  void Report(Target* target, const std::string& message);
  void AnnouncePeers();
  std::string ReasonToRefuse(const Target& target, absl::string_view name, NodeId id) const;
  Target* Find(const DialledStream* stream);
  absl::Duration Jittered(absl::Duration pause);

  const PeerIdentity self_;
  const DialTiming timing_;
  PollLoop* const loop_;
  PeerRoutes* const routes_;
  PeerStreamListener* const stream_listener_;
  LinkListener* const link_listener_;
  PeerCounters* const counters_;

  absl::BitGen random_;
  bool shut_down_ = false;
  std::vector<std::unique_ptr<Target>> targets_;
  std::vector<peer::v1::MemberAddress> announced_;
};

}  // namespace quorate

#endif  // QUORATE_NODE_PEER_DIALER_H_
