#include "node/grpc_server_limits.h"

#include "grpc/grpc.h"

#include "node/batch_queue.h"

namespace quorate {
namespace {

// Of one connection; further ones wait at the client.
constexpr int kMaxCallsOfAConnection = 128;

// What a call's client may send before it is read. Left to itself, gRPC would let this grow with
// what a stream brings, and a node that is offered too much would read requests whose time is over.
constexpr int kUnreadBytesOfACall = 64 << 10;

constexpr int kKeepaliveMs = 30000;
constexpr int kKeepaliveTimeoutMs = 10000;
constexpr int kClientPingIntervalMs = 5000;

}  // namespace

void SetGrpcServerLimits(grpc::ServerBuilder* builder) {
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxCallsOfAConnection);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kUnreadBytesOfACall);
  // A client that has vanished without a word keeps its place no longer than this.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // Clients may ask for a sign of life as often as this, whether they call or not.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              kClientPingIntervalMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // The node's own pings go on over connections on which nothing else is sent.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // gRPC inflates a message before it looks at its size: some kilobytes could take all memory.
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  // For peers; a server has one limit for all methods. KvService has its own, smaller, for clients.
  builder->SetMaxReceiveMessageSize(kMaxPeerMessageBytes);
  builder->SetMaxSendMessageSize(kMaxPeerMessageBytes);
}

}  // namespace quorate
