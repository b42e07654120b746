// StreamTransport: many operations in a message, on one gRPC stream a target (TargetStream).
//
// Not thread-safe: belongs to one thread.
#ifndef QUORATE_LOADGEN_STREAM_TRANSPORT_H_
#define QUORATE_LOADGEN_STREAM_TRANSPORT_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "boost/asio/ip/tcp.hpp"
#include "grpcpp/channel.h"

#include "loadgen/grpc_queue.h"
#include "loadgen/target_stream.h"
#include "loadgen/transport.h"

namespace quorate::loadgen {

class StreamTransport : public Transport {
 public:
  // Resolves the targets' names, which may block. NOT_FOUND, naming the target, where one has no
  // address. Targets are gRPC addresses of nodes.
  static absl::StatusOr<std::unique_ptr<Transport>> Create(const TransportOptions& options);
  // What is in flight is given up, and waited for until gRPC has let go of it.
  ~StreamTransport() override;

  bool HasRoom(size_t target) const override { return streams_[target]->HasRoom(); }
  void Send(uint64_t tag, const Request& request) override;
  void Poll(Time until, ReplyHandler* handler) override;
  std::vector<RestHealth> CheckTargets() override;
  bool TargetsAreLocal() const override;

 private:
  StreamTransport(const TransportOptions& options,
                  std::vector<boost::asio::ip::tcp::endpoint> endpoints);

  // Fixed after construction.
  const TransportOptions options_;
  const std::vector<boost::asio::ip::tcp::endpoint> endpoints_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;

  GrpcQueue queue_;
  std::vector<std::unique_ptr<TargetStream>> streams_;  // by target
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_STREAM_TRANSPORT_H_
