// UnaryTransport: a gRPC call for each operation, on one connection a target.
//
// Not thread-safe: belongs to one thread.
#ifndef QUORATE_LOADGEN_UNARY_TRANSPORT_H_
#define QUORATE_LOADGEN_UNARY_TRANSPORT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "boost/asio/ip/tcp.hpp"
#include "grpcpp/channel.h"

#include "loadgen/grpc_queue.h"
#include "loadgen/transport.h"
#include "proto/kv.grpc.pb.h"

namespace quorate::loadgen {

class UnaryTransport : public Transport {
 public:
  // Resolves the targets' names, which may block. NOT_FOUND, naming the target, where one has no
  // address. Targets are gRPC addresses of nodes.
  static absl::StatusOr<std::unique_ptr<Transport>> Create(const TransportOptions& options);
  // What is in flight is given up, and waited for until gRPC has let go of it.
  ~UnaryTransport() override;

  bool HasRoom(size_t target) const override;
  void Send(uint64_t tag, const Request& request) override;
  void Poll(Time until, ReplyHandler* handler) override;
  std::vector<RestHealth> CheckTargets() override;
  bool TargetsAreLocal() const override;

 private:
  class Call;

  UnaryTransport(const TransportOptions& options,
                 std::vector<boost::asio::ip::tcp::endpoint> endpoints);

  // Fixed after construction.
  const TransportOptions options_;
  const std::vector<boost::asio::ip::tcp::endpoint> endpoints_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::vector<std::unique_ptr<v1::KeyValue::Stub>> stubs_;

  GrpcQueue queue_;
  ReplyHandler* handler_ = nullptr;  // while Poll runs
  std::vector<size_t> in_flight_;    // by target
  size_t in_flight_in_all_ = 0;
  std::vector<std::unique_ptr<Call>> calls_;  // all, as many as were ever in flight at once
  std::vector<Call*> free_;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_UNARY_TRANSPORT_H_
