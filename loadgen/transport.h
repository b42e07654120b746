// Transport: takes operations to their targets and brings back what they answer, whatever lies
// between: REST, gRPC calls, gRPC streams, or nothing at all.
//
//   if (transport->HasRoom(target)) transport->Send(tag, request);
//   transport->Poll(std::chrono::steady_clock::now() + 1ms, &handler);   // calls handler.OnReply
//
// Nothing is retried, ever: a second try would hide what the first one took.
//
// Not thread-safe: belongs to one thread, which is also the one that calls back.
#ifndef QUORATE_LOADGEN_TRANSPORT_H_
#define QUORATE_LOADGEN_TRANSPORT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "client/messages.h"
#include "client/rest_reply.h"
#include "loadgen/options.h"

namespace quorate::loadgen {

// A read, or a write, of one key.
struct Request {
  bool write = false;
  bool local = false;     // of a read: what the target alone holds
  size_t target = 0;      // in the order of TransportOptions::targets
  size_t key_number = 0;  // the key in the workload, for transports that keep values themselves
  absl::string_view key;
  absl::string_view value;  // of a write
};

// What came back. Views hold until OnReply returns.
struct Reply {
  // OK also where a read found nothing. Messages are printable, one line, and short.
  // DEADLINE_EXCEEDED: there was no answer in time.
  absl::Status status;
  // Of a write that failed: it may take effect, now or later. False: nothing was written.
  bool may_have_applied = false;
  bool found = false;  // reads: whether there is a value
  absl::string_view value;
  // Of the value, the write, or the tombstone where there is one; 0 where the key was never
  // written.
  uint64_t version = 0;
  // The same as a total order of the key's writes. Where the transport does not know it, it is (0,
  // version, 0), which orders no more than versions do.
  Order order;
  bool order_known = false;
  absl::string_view node;  // that coordinated; empty where it is not known
};

class ReplyHandler {
 public:
  virtual ~ReplyHandler() = default;
  // The operation that was sent with `tag` has ended. May call Send, but not Poll.
  virtual void OnReply(uint64_t tag, const Reply& reply) = 0;
};

// The half of a transport that has no clock, so that tests can put virtual time behind it.
class OperationSender {
 public:
  virtual ~OperationSender() = default;

  // Whether one more operation may go to the target now.
  virtual bool HasRoom(size_t target) const = 0;

  // Takes the operation over; copies what it needs of `request`. It ends once, by a reply or with
  // an error, at the latest when its time is over, and never before Send has returned. Does not
  // block. REQUIRES: HasRoom(request.target), and a `tag` that is not in flight.
  virtual void Send(uint64_t tag, const Request& request) = 0;
};

class Transport : public OperationSender {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Sends what waits to be sent, and hands over what has ended. Returns at `until`, or earlier once
  // something has happened, which need not be a reply. Blocks no longer than that.
  virtual void Poll(Time until, ReplyHandler* handler) = 0;

  // Asks every target how it is; blocks until all have answered or timed out. In the targets'
  // order. REQUIRES: nothing is in flight.
  virtual std::vector<RestHealth> CheckTargets() = 0;

  // Whether every target's address is one of this machine.
  virtual bool TargetsAreLocal() const = 0;
};

struct TransportOptions {
  // Behaviour.
  std::vector<HostAndPort> targets;           // of the kind of server that the transport talks to
  absl::Duration timeout = absl::Seconds(3);  // from Send; an operation has failed then
  std::optional<int> w;                       // overrides of the cluster's quorums
  std::optional<int> r;

  // Limits: operations in flight to each target, 1 to kMaxInFlight.
  size_t max_in_flight = 32;
};

inline constexpr size_t kMaxInFlight = size_t{1} << 20;

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_TRANSPORT_H_
