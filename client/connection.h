// Connection: the layer below Client: asynchronous calls to a cluster, retries included.
//
// GrpcConnection (client/grpc_connection.h) is the real one. Programs that use a Client are tested
// with a MockConnection (client/mock_connection.h).
#ifndef QUORATE_CLIENT_CONNECTION_H_
#define QUORATE_CLIENT_CONNECTION_H_

#include <cstdint>
#include <functional>

#include "client/messages.h"
#include "client/outcome.h"

namespace quorate {

// Names a call of one connection; 0 names none.
using CallId = uint64_t;

// Each is called exactly once, on the connection's own thread or, for a call that is refused at
// once, before the call has returned. It must not block: the connection waits for it. It may make
// calls; while the connection ends they all end with CANCELLED, so a callback that always makes
// another call would keep it from ending. An empty one stands for a caller that does not want to
// know: the call is made all the same.
using ReadCallback = std::function<void(Outcome<ReadReply>)>;
using WriteCallback = std::function<void(Outcome<WriteReply>)>;
using StatusCallback = std::function<void(Outcome<NodeStatus>)>;

// Thread-safe.
class Connection {
 public:
  virtual ~Connection() = default;

  // Errors: see Error in client/outcome.h. An absent key is a reply without a value, not an error.
  // None of these block.
  virtual CallId Read(ReadRequest request, ReadCallback done) = 0;
  virtual CallId Write(WriteRequest request, WriteCallback done) = 0;
  virtual CallId Status(StatusRequest request, StatusCallback done) = 0;

  // The caller needs the reply no more: the call ends soon, with CANCELLED unless its outcome was
  // already known. A write that was sent may still take effect (`may_have_applied`). Unknown ids
  // are ignored. Does not block.
  virtual void Cancel(CallId id) = 0;
};

}  // namespace quorate

#endif  // QUORATE_CLIENT_CONNECTION_H_
