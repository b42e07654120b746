// GrpcConnection: the Connection over gRPC: one stream a node, batches that gather by themselves,
// deadlines, cancellation, retries of what is safe, and nodes and leader learned from Status.
#ifndef QUORATE_CLIENT_GRPC_CONNECTION_H_
#define QUORATE_CLIENT_GRPC_CONNECTION_H_

#include <memory>
#include <thread>

#include "absl/status/statusor.h"

#include "client/connection.h"
#include "client/connection_options.h"

namespace quorate {

// A connection to a cluster. Does not block: nodes are reached in the background, and calls wait
// for that until their timeout. INVALID_ARGUMENT where the options make no sense.
absl::StatusOr<std::shared_ptr<Connection>> Connect(const ConnectionOptions& options);

class CallEngine;

// Has one thread of its own, which a forked process does not have: it makes a connection of its
// own. Thread-safe, as Connection says.
class GrpcConnection final : public Connection {
 public:
  // `options` must be valid.
  explicit GrpcConnection(const ConnectionOptions& options);

  // Ends all calls with CANCELLED, and blocks until their callbacks have returned and gRPC has
  // given back what was under way, for which it waits no longer than five seconds; in a callback of
  // this connection it does not wait.
  ~GrpcConnection() override;

  CallId Read(ReadRequest request, ReadCallback done) override;
  CallId Write(WriteRequest request, WriteCallback done) override;
  CallId Status(StatusRequest request, StatusCallback done) override;
  void Cancel(CallId id) override;

 private:
  const std::shared_ptr<CallEngine> engine_;  // the thread's, too
  std::thread thread_;
};

}  // namespace quorate

#endif  // QUORATE_CLIENT_GRPC_CONNECTION_H_
