// Env: all that a replica may ask of the world. One implementation speaks gRPC (node/), one is the
// simulator (tests/sim); the replica cannot tell which it has.
//
// Every call only enqueues: it never blocks, and never calls back into the replica before it has
// returned. Not thread-safe: called on the replica's strand.
#ifndef QUORATE_REPLICATION_ENV_H_
#define QUORATE_REPLICATION_ENV_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "proto/peer.pb.h"
#include "replication/operation.h"

namespace quorate {

// A point on the monotonic clock: the time since an arbitrary start.
using MonotonicTime = absl::Duration;

// Names a timer of one replica. Setting a timer again replaces its time.
using TimerId = uint32_t;

// Names what was applied up to a moment; later ones are greater.
using SyncTicket = uint64_t;

class Env {
 public:
  virtual ~Env() = default;

  // One time for all that happens between two calls of Replica::Flush.
  virtual MonotonicTime Now() = 0;
  virtual absl::Time WallNow() = 0;
  virtual uint64_t Random() = 0;

  // Hands a batch to the transport, which may lose, repeat or delay it.
  virtual void Send(NodeId to, peer::v1::Batch batch) = 0;

  // Asks for Replica::FireTimer(id) at `at`, or as soon after as may be.
  virtual void SetTimer(TimerId id, MonotonicTime at) = 0;

  // Asks for Replica::Expire(id) at `at`. Once the operation has been completed it may come or not.
  virtual void ExpireAt(OperationId id, MonotonicTime at) = 0;

  // Gives an operation's result. Called exactly once for each id handed to Replica::Submit.
  virtual void Complete(OperationId id, OperationResult result) = 0;

  // Asks for Replica::Durable(ticket, status) once all that was applied before is synced. Only
  // called where the durability is kSynced.
  virtual void RequestSync(SyncTicket ticket) = 0;

  // Leader-follower: a follower has learned who its fellow replicas are. The transport connects to
  // those that it does not know yet.
  virtual void LearnMembers(const std::vector<peer::v1::MemberAddress>& members) = 0;

  // The addresses of all replicas known to the transport, this node's included, for a leader to
  // announce. Empty where nodes need no addresses (the simulator).
  virtual const std::vector<peer::v1::MemberAddress>& Members() const = 0;

  // One line for people, at most a few a second.
  virtual void Log(const std::string& line) = 0;
};

}  // namespace quorate

#endif  // QUORATE_REPLICATION_ENV_H_
