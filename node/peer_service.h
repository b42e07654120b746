// PeerService: the service quorate.peer.v1.Peer: takes the streams that other nodes dial.
//
// A node that dials introduces itself by metadata; this node does the same before anything else. A
// new stream from a node replaces its old one, which may be dead without anyone having noticed.
#ifndef QUORATE_NODE_PEER_SERVICE_H_
#define QUORATE_NODE_PEER_SERVICE_H_

#include <memory>
#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "grpcpp/support/status.h"

#include "node/peer_routes.h"
#include "node/peer_stream.h"
#include "node/poll_loop.h"
#include "proto/peer.grpc.pb.h"

namespace quorate {

class AcceptedStream;

// All calls are on the poll thread, except where they say otherwise.
class PeerService {
 public:
  // All pointers must outlive the service, which must outlive the server and its streams: see
  // idle().
  PeerService(const PeerIdentity& self, PollLoop* loop, PeerRoutes* routes,
              PeerStreamListener* listener, PeerCounters* counters);
  ~PeerService();

  // To register with the server, before it starts.
  grpc::Service* service() { return &service_; }

  // Takes streams from now on; once, after the server has started, before the loop has.
  void Start();

  // Ends all streams and takes no more. The peers are told that this node goes.
  void Shutdown();
  // Whether all streams have ended.
  bool idle() const { return streams_.empty(); }

 private:
  friend class AcceptedStream;

  void AwaitStream();
  // OK, or why this node does not take the stream; `*id` is who dials.
  grpc::Status Examine(absl::string_view name, absl::string_view cluster, NodeId* id) const;
  // A peer has dialled, or the server goes down.
  void OnAccepted(AcceptedStream* stream, bool ok);
  void OnEnded(AcceptedStream* stream);

  const PeerIdentity self_;
  PollLoop* const loop_;
  PeerRoutes* const routes_;
  PeerStreamListener* const listener_;
  PeerCounters* const counters_;
  peer::v1::Peer::AsyncService service_;
  bool shut_down_ = false;
  std::shared_ptr<AcceptedStream> next_;  // waits for a peer to dial
  std::set<std::shared_ptr<AcceptedStream>> streams_;
};

}  // namespace quorate

#endif  // QUORATE_NODE_PEER_SERVICE_H_
