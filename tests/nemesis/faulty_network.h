// FaultyNetwork: what a node hears of the others over a network with a schedule's faults: batches
// are lost, repeated, delayed and reordered, and do not come where the way is cut.
//
// Everything happens where batches arrive, between the streams and the replica, so it needs no
// rights of any kind; the streams themselves stay up.
#ifndef QUORATE_TESTS_NEMESIS_FAULTY_NETWORK_H_
#define QUORATE_TESTS_NEMESIS_FAULTY_NETWORK_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "absl/time/time.h"

#include "node/incoming_line.h"
#include "proto/peer.pb.h"
#include "replication/emulated_delays.h"
#include "replication/env.h"
#include "replication/storage/version.h"
#include "tests/nemesis/board.h"
#include "tests/nemesis/fault_timeline.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_rng.h"

namespace quorate::nemesis {

struct FaultyNetworkOptions {
  NodeId self = 0;
  // Base delays, jitter, whether the order is kept, and delays on top. Loss and repetition are the
  // timeline's.
  sim::NetworkPlan plan;
  uint64_t seed = 0;
};

// As IncomingLine says.
class FaultyNetwork : public IncomingLine {
 public:
  // The pointers must outlive the network. `since` makes the run's time of a monotonic one.
  FaultyNetwork(const FaultyNetworkOptions& options, const FaultTimeline* faults,
                std::function<absl::Duration(MonotonicTime)> since, FaultCounters* counters);

  void Add(MonotonicTime now, peer::v1::Batch batch, Deliver deliver) override;
  MonotonicTime Release(MonotonicTime now) override;
  void Clear() override { held_.clear(); }

 private:
  // A batch with all its arrivals.
  struct Sent {
    NodeId from = 0;
    uint64_t number = 0;  // in the order of sending
    peer::v1::Batch batch;
    Deliver deliver;
  };
  struct Way {  // from one node, requests or replies
    MonotonicTime last_due = -absl::InfiniteDuration();
    uint64_t last_delivered = 0;
  };

  Way& WayOf(const peer::v1::Batch& batch) { return ways_[{batch.from(), batch.reply()}]; }
  absl::Duration Delay(const peer::v1::Batch& batch, absl::Duration at);

  const FaultyNetworkOptions options_;
  const FaultTimeline* const faults_;
  const std::function<absl::Duration(MonotonicTime)> since_;
  FaultCounters* const counters_;
  sim::SimRng rng_;
  uint64_t last_number_ = 0;
  std::map<std::pair<NodeId, bool>, Way> ways_;
  std::multimap<MonotonicTime, std::shared_ptr<Sent>> held_;  // by when they arrive
};

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_FAULTY_NETWORK_H_
