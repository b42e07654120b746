// What a client asks and what it is told.
//
// Values: thread-compatible.
#ifndef QUORATE_CLIENT_MESSAGES_H_
#define QUORATE_CLIENT_MESSAGES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/time/time.h"

namespace quorate {

// How long a call may take, retries included, where its options say nothing else.
inline constexpr absl::Duration kDefaultTimeout = absl::Seconds(2);

struct ReadRequest {
  std::string key;
  std::optional<int> r;   // answers to wait for, 1..N; nullopt: the cluster's R
  bool siblings = false;  // all concurrent values (leaderless)
  // No read goes back behind another one: refused where the cluster cannot promise it. `r` must
  // then be left out.
  bool linearizable = false;
  // What the session has seen of the key: `session` of its last reply. The answer is not older.
  std::string session;
  // What one node alone holds, perhaps stale; `r`, `linearizable` and `session` do not count then.
  bool local_only = false;
  absl::Duration timeout = kDefaultTimeout;
};

struct WriteRequest {
  std::string key;
  std::optional<std::string> value;  // nullopt: a delete
  std::optional<int> w;              // acknowledgements to wait for, 1..N; nullopt: the cluster's W
  std::string context;               // of an earlier reply for this key; empty: what the node knows
  std::string session;               // as in ReadRequest; the write comes after it (no context)
  // The write's name, up to 64 bytes that no other write has had, for those who may repeat it in
  // another call; empty: the connection gives it one. `repeat`: an earlier call has tried it.
  std::string request_id;
  bool repeat = false;
  absl::Duration timeout = kDefaultTimeout;
};

struct StatusRequest {
  std::string address;  // host:port of the node's gRPC; empty: any node that answers
  absl::Duration timeout = kDefaultTimeout;
};

// A total order of the writes of one key. It agrees with causality as far as clocks do; to be
// compared within one key only.
struct Order {
  uint64_t major = 0;
  uint64_t minor = 0;
  uint64_t tie = 0;

  friend bool operator==(const Order& a, const Order& b) {
    return std::tie(a.major, a.minor, a.tie) == std::tie(b.major, b.minor, b.tie);
  }
  friend bool operator<(const Order& a, const Order& b) {
    return std::tie(a.major, a.minor, a.tie) < std::tie(b.major, b.minor, b.tie);
  }
};

struct SiblingValue {
  std::string value;
  Order order;
  bool deleted = false;
};

struct ReadReply {
  std::optional<std::string> value;  // nullopt: the key was never written, or has been deleted
  uint64_t version = 0;              // grows along causality for a key; 0: never written
  Order order;
  std::string context;    // opaque; hand it to a later write of this key
  std::string session;    // opaque; hand it to the session's next operation on this key
  bool conflict = false;  // there are concurrent values; `value` is the clock's choice
  std::vector<SiblingValue> siblings;  // all of them, where they were asked for
  std::string node;                    // the coordinator
  std::string durability;              // memory, os or synced, as in NodeStatus
  int answers = 0;
  int required = 0;
  bool disagreed = false;  // replicas held different versions
};

struct WriteReply {
  uint64_t version = 0;
  Order order;
  std::string context;     // as in ReadReply
  std::string session;     // as in ReadReply
  std::string node;        // the node that gave the write its version
  std::string durability;  // what the acknowledgements mean: memory, os or synced
  int acks = 0;            // replicas known to hold the write
  int required = 0;
  int replaced_siblings = 0;  // concurrent values that the write settled (leaderless)
};

struct PeerInfo {
  std::string node;
  std::string http_address;
  std::string grpc_address;
  bool connected = false;
  std::string refusal;  // why the peer refuses the node; empty where it does not
};

// A node's view of itself and its cluster.
struct NodeStatus {
  std::string node;
  std::string cluster;
  std::string strategy;
  std::string role;    // leader, follower or replica
  std::string state;   // serving, syncing, waiting, recovering, draining or failed
  std::string detail;  // why it is not serving; empty where it is
  int n = 0;
  int w = 0;
  int r = 0;
  std::string guarantee;   // what the cluster's own W and R promise
  std::string durability;  // what an acknowledgement means on this node
  std::string leader;      // empty where there is none, or it is not known
  std::string http_address;
  std::string grpc_address;
  uint64_t epoch = 0;
  uint64_t applied_number = 0;
  uint64_t incarnation = 0;
  std::vector<PeerInfo> peers;
  std::map<std::string, uint64_t> counters;
};

}  // namespace quorate

#endif  // QUORATE_CLIENT_MESSAGES_H_
