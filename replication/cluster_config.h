// ClusterConfig: what a replica must know of its cluster before it starts.
//
// Values: thread-compatible.
#ifndef QUORATE_REPLICATION_CLUSTER_CONFIG_H_
#define QUORATE_REPLICATION_CLUSTER_CONFIG_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "replication/storage/stored_state.h"
#include "replication/storage/version.h"

namespace quorate {

// Behaviour.
struct Quorums {
  int n = 0;  // replicas; 0: not known yet (a follower that no leader has called)
  int w = 0;  // acknowledgements a write waits for, 1..n
  int r = 0;  // answers a read waits for, 1..n
};

// How values are written, and what reads then promise. The same on all nodes.
enum class WriteMode {
  kPlain,         // as the strategy does by itself, at W and R
  kLinearizable,  // each key an atomic register: W and R are a majority
};
const char* WriteModeName(WriteMode mode);

struct ClusterConfig {
  std::string cluster = "quorate";
  std::string strategy;
  NodeId self = 0;
  // Leader-follower: whether this node is the leader.
  bool leader = false;
  Quorums quorums;
  Durability durability = Durability::kMemory;
  WriteMode write_mode = WriteMode::kPlain;
  // Leader-follower: a write sent to a follower goes on to the leader; otherwise it is refused with
  // the leader's name.
  bool forward_writes = true;
  // A read at R>1 asks every connected replica, not only as many as it needs: slower, and it
  // repairs whatever replica is behind.
  bool read_all = false;
  // Leaderless: a coordinator whose clock lies behind what it has seen by more than this refuses
  // writes until its clock has caught up (doc/semantics.md 36).
  absl::Duration max_clock_skew = absl::Milliseconds(500);

  // Limits.
  size_t max_key_bytes = 1024;
  size_t max_value_bytes = size_t{4} << 20;
  size_t max_open_operations = 4096;           // more are refused with RESOURCE_EXHAUSTED
  size_t max_read_bytes = size_t{128} << 20;   // of records that quorum reads hold; more: ditto
  size_t max_window_bytes = size_t{64} << 20;  // leader-follower: what can be sent again
  size_t max_unacknowledged_bytes = size_t{8} << 20;  // leader-follower: in flight to one follower

  // Catch-up: how fast a replica pulls from one peer what it knows to lack, and how fast it
  // compares in the background, with one peer at a time; in bytes of pages. 0: as fast as may be.
  size_t catch_up_bytes_per_second = size_t{64} << 20;
  size_t background_bytes_per_second = size_t{1} << 20;

  // Timing. A session is given up after peer_timeout without an answer.
  absl::Duration heartbeat_interval = absl::Milliseconds(200);
  absl::Duration peer_timeout = absl::Seconds(1);
  absl::Duration resend_interval = absl::Milliseconds(100);
  // Leaderless: a replica compares its store with one peer, in turn, this often, or as soon after
  // as the last such comparison has ended.
  absl::Duration anti_entropy_interval = absl::Seconds(30);
};

// INVALID_ARGUMENT with a message that names the wrong setting.
absl::Status Validate(const ClusterConfig& config);
absl::Status ValidateQuorums(const Quorums& quorums);

// More than half of `n` replicas.
constexpr int Majority(int n) { return n / 2 + 1; }

// A node's number from its name: a decimal number from 1 to 2^31-1 is itself, any other text is
// hashed into the range above. INVALID_ARGUMENT for an empty name or a number out of range.
absl::StatusOr<NodeId> ParseNodeName(absl::string_view name);

}  // namespace quorate

#endif  // QUORATE_REPLICATION_CLUSTER_CONFIG_H_
