// What one client may take of a node's gRPC server, whichever methods it calls.
#ifndef QUORATE_NODE_GRPC_SERVER_LIMITS_H_
#define QUORATE_NODE_GRPC_SERVER_LIMITS_H_

#include "grpcpp/server_builder.h"

namespace quorate {

// Sets the limits of connections, calls and messages that doc/operations.md names, and refuses
// compressed messages.
void SetGrpcServerLimits(grpc::ServerBuilder* builder);

}  // namespace quorate

#endif  // QUORATE_NODE_GRPC_SERVER_LIMITS_H_
