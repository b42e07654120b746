// What all transports over gRPC share: connections to targets, and what nodes say there.
//
// Functions: thread-safe where their arguments are not shared.
#ifndef QUORATE_LOADGEN_GRPC_TARGET_H_
#define QUORATE_LOADGEN_GRPC_TARGET_H_

#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/status.h"

#include "client/rest_reply.h"
#include "loadgen/options.h"
#include "loadgen/transport.h"
#include "proto/kv.pb.h"

namespace quorate::loadgen {

// A connection that shares nothing with other channels, and on which gRPC repeats no call by
// itself. Does not block.
std::shared_ptr<grpc::Channel> NewTargetChannel(const HostAndPort& target);

// Asks the node behind each channel for its status, all at the same time. Blocks until all have
// answered, for `timeout` at most.
std::vector<RestHealth> AskStatus(const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                                  absl::Duration timeout);

// What a node answers, as a Reply whose views point into the message.
Reply ReplyOf(const v1::GetResponse& response);
Reply ReplyOf(const v1::WriteResponse& response);

// An error of a stream's operation. Its message goes into the status.
Reply ReplyOf(const v1::StreamError& error);

// Any result of a stream. INTERNAL where it is none for a read, or a write (which may have applied
// then).
Reply ReplyOf(const v1::StreamResult& result, bool write);

// A call that failed. gRPC does not tell whether a call has left, so a write that failed without
// the server's word may have applied.
Reply ReplyOf(const grpc::Status& status, bool write);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_GRPC_TARGET_H_
