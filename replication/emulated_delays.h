// EmulatedDelays: a slower world than the one at hand, to make visible what delays do to replicas.
//
//   absl::StatusOr<EmulatedDelays> delays = EmulatedDelays::Parse("wan3,apply=exponential:5ms");
//   deliver_at = arrival + delays->For(batch.from(), self, batch, random);
//
// What is delayed is the delivery of batches between replicas: by the link, and by the store of the
// receiver, which writes or reads before it can answer. Transports ask for it, in real nodes and in
// the simulator; no replica knows of it. A specification is a comma-separated list:
//
//   PROFILE            classroom, lan, wan3 or wan5; first, if at all
//   link=DELAY         from any node to any other, in each direction
//   link:A/B=DELAY     between the nodes A and B, in each direction
//   apply=DELAY        at a replica, before it applies writes of another
//   read=DELAY         at a replica, before it reads for another
//
//   DELAY: 20ms, uniform:10ms:30ms or exponential:20ms (its mean), each from 0 to 10s
//
// What stands later replaces what stands earlier. doc/operations.md has the figures.
//
// Values: thread-compatible.
#ifndef QUORATE_REPLICATION_EMULATED_DELAYS_H_
#define QUORATE_REPLICATION_EMULATED_DELAYS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "proto/peer.pb.h"
#include "replication/cluster_config.h"
#include "replication/storage/version.h"

namespace quorate {

// A random duration. The default is none.
class Delay {
 public:
  static Delay Fixed(absl::Duration duration) { return Delay(duration, duration, false); }
  static Delay Uniform(absl::Duration least, absl::Duration most) {
    return Delay(least, most, false);
  }
  // No draw is longer than ten times the mean.
  static Delay Exponential(absl::Duration mean) { return Delay(mean, mean * 10, true); }

  Delay() : Delay(absl::ZeroDuration(), absl::ZeroDuration(), false) {}

  // INVALID_ARGUMENT where `text` is no DELAY.
  static absl::StatusOr<Delay> Parse(absl::string_view text);

  // The duration that 64 random bits stand for.
  absl::Duration Draw(uint64_t random) const;

  absl::Duration longest() const { return most_; }

 private:
  Delay(absl::Duration first, absl::Duration most, bool exponential)
      : first_(first), most_(most), exponential_(exponential) {}

  absl::Duration first_;  // the least, or the mean
  absl::Duration most_;
  bool exponential_;
};

class EmulatedDelays {
 public:
  EmulatedDelays() = default;  // none

  // INVALID_ARGUMENT, naming the part, where `spec` is not as above. An empty one means no delays.
  static absl::StatusOr<EmulatedDelays> Parse(absl::string_view spec);

  bool any() const { return !spec_.empty(); }
  const std::string& spec() const { return spec_; }

  // How much later than it would, `batch` from node `from` reaches the replica of node `to`. Draws
  // from `random`, which gives 64 random bits. Whoever delays must keep the order of each stream.
  absl::Duration For(NodeId from, NodeId to, const peer::v1::Batch& batch,
                     const std::function<uint64_t()>& random) const;

  // What a request and its answer can take at most beyond the usual.
  absl::Duration LongestRoundTrip() const;

  // Lets the timeouts of `config` grow by that, as an operator would between distant places: else
  // replicas would take one another for dead.
  void WidenTimeouts(ClusterConfig* config) const;

  // Where the profile puts a node; empty where it has no places. For people.
  std::string PlaceOf(NodeId node) const;

 private:
  absl::Status SetProfile(absl::string_view name);
  absl::Status SetItem(absl::string_view item);
  Delay Link(NodeId from, NodeId to) const;

  std::string spec_;
  int regions_ = 0;  // of the profile; 0: all links are alike
  Delay link_;
  std::map<std::pair<NodeId, NodeId>, Delay> pairs_;  // the smaller id first
  Delay apply_;
  Delay read_;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_EMULATED_DELAYS_H_
