// KvApi: the one asynchronous API of a node. The gRPC service and the HTTP gateway are thin
// adapters over it: decode, call, encode.
#ifndef QUORATE_NODE_KV_API_H_
#define QUORATE_NODE_KV_API_H_

#include <cstddef>
#include <functional>

#include "proto/kv.pb.h"
#include "replication/operation.h"
#include "replication/storage/stored_state.h"

namespace quorate {

// Results and answers up to this size are not counted against the memory that an adapter's clients
// share, so that errors and small values get through however full it is.
inline constexpr size_t kUncountedAnswerBytes = size_t{64} << 10;

class KvApi {
 public:
  // Called exactly once, on any thread, possibly before Start has returned; it must not block.
  using Callback = std::function<void(OperationResult)>;

  virtual ~KvApi() = default;

  // Starts a get, set, delete or local read. `operation.timeout` is its deadline: beyond it the
  // result is DEADLINE_EXCEEDED (reads) or an unknown outcome (writes). A node that is shutting
  // down answers UNAVAILABLE. Does not block. Thread-safe.
  virtual OperationId Start(Operation operation, Callback callback) = 0;

  // The client is gone: a read ends with CANCELLED, a write that was sent finishes unanswered.
  // Unknown ids are ignored. Thread-safe.
  virtual void Cancel(OperationId id) = 0;

  // What the node knows of itself, no older than a heartbeat. Does not block. Thread-safe.
  virtual v1::StatusResponse Status() const = 0;

  // The name of a node, for replies: as configured where known, else its number. Thread-safe.
  virtual std::string NodeName(NodeId id) const = 0;

  // What an acknowledgement means on this node, and, as nodes of one cluster insist on the same, on
  // all that acknowledge. Thread-safe.
  virtual Durability durability() const = 0;
};

}  // namespace quorate

#endif  // QUORATE_NODE_KV_API_H_
