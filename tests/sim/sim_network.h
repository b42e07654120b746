// SimNetwork: the transport between simulated nodes. It delays, loses, repeats and reorders
// batches, and can be cut in either direction of any pair.
//
// Every node keeps dialling every other, as a real transport does: while there is no link, it tries
// again after a while, and tells the node when it has one. That a link is dead it notices only
// sometimes: most cuts are silent.
//
// Not thread-safe.
#ifndef QUORATE_TESTS_SIM_SIM_NETWORK_H_
#define QUORATE_TESTS_SIM_SIM_NETWORK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "absl/time/time.h"

#include "proto/peer.pb.h"
#include "replication/emulated_delays.h"
#include "replication/storage/version.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/sim_rng.h"

namespace quorate::sim {

struct NetworkPlan {
  // Behaviour.
  int loss_per_mille = 0;
  int repeat_per_mille = 0;
  bool keeps_order = false;  // within one direction of one pair
  int notices_percent = 50;  // how often a crash or a cut is noticed by the transport
  // Delays: each direction of each pair draws a base of its own, and each batch some more.
  absl::Duration base_min = absl::Microseconds(50);
  absl::Duration base_max = absl::Milliseconds(1);
  absl::Duration jitter_mean = absl::Microseconds(500);
  absl::Duration redial_mean = absl::Milliseconds(50);
  EmulatedDelays emulated;  // on top of these
};

struct NetworkCounters {
  uint64_t sent = 0;
  uint64_t lost = 0;  // by chance, by a cut, or because the receiver was down
  uint64_t repeated = 0;
};

// The ends of the network.
class NetworkUser {
 public:
  virtual ~NetworkUser() = default;
  virtual bool Up(NodeId node) const = 0;
  virtual void Deliver(NodeId to, std::shared_ptr<const peer::v1::Batch> batch) = 0;
  virtual void DeliverLink(NodeId node, NodeId peer, bool up) = 0;
};

class SimNetwork {
 public:
  // `queue` and `user` must outlive the network. Nodes are numbered from 1.
  SimNetwork(const NetworkPlan& plan, int nodes, SimRng rng, EventQueue* queue, NetworkUser* user);

  void Send(NodeId from, NodeId to, std::shared_ptr<const peer::v1::Batch> batch);

  // A process has started or is gone.
  void OnStart(NodeId node);
  void OnCrash(NodeId node);

  // Cuts nest: a direction is open again when every cut of it has been mended.
  void Cut(NodeId from, NodeId to);
  void Mend(NodeId from, NodeId to);

  // Adds to the delay of one direction. Clogs nest as cuts do: each is taken away by itself.
  void Clog(NodeId from, NodeId to, absl::Duration extra);
  void Unclog(NodeId from, NodeId to, absl::Duration extra) { Clog(from, to, -extra); }

  // From now on nothing is lost or repeated by chance, cut, clogged or much later than usual.
  void Heal();

  const NetworkCounters& counters() const { return counters_; }

 private:
  struct Path {  // one direction of a pair
    absl::Duration base;
    absl::Duration clog;
    int cuts = 0;
    MonotonicTime last_arrival;
    // The sender's link to the receiver.
    bool linked = false;
    bool dialling = false;
  };

  Path& path(NodeId from, NodeId to) { return paths_[{from, to}]; }
  // What happens now from one node to another.
  SimRng Now(NodeId from, NodeId to) { return rng_.At(queue_->Now(), uint64_t{from} << 32 | to); }
  void SendOnce(NodeId from, NodeId to, const std::shared_ptr<const peer::v1::Batch>& batch);
  void Dial(NodeId from, NodeId to);
  void Unlink(NodeId from, NodeId to);
  void MaybeNotice(NodeId from, NodeId to);

  NetworkPlan plan_;
  const int nodes_;
  MomentRng rng_;
  EventQueue* const queue_;
  NetworkUser* const user_;
  std::map<std::pair<NodeId, NodeId>, Path> paths_;
  NetworkCounters counters_;
};

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_SIM_NETWORK_H_
