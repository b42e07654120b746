// MemoryNode: a gRPC server in this process that has the client API of a node and keeps values in
// memory: one register a key, and nothing that takes time. For tests and benchmarks.
//
// Thread-safe.
#ifndef QUORATE_LOADGEN_MEMORY_NODE_H_
#define QUORATE_LOADGEN_MEMORY_NODE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "grpcpp/server.h"

#include "loadgen/options.h"
#include "proto/kv.grpc.pb.h"
#include "support/mutex.h"

namespace quorate::loadgen {

class MemoryNode final : public v1::KeyValue::Service {
 public:
  // Listens on a port of its own, which `address` tells.
  MemoryNode();
  // Ends all calls.
  ~MemoryNode() override;

  const HostAndPort& address() const { return address_; }

  // From now on operations are taken and never answered.
  void FallSilent() ABSL_LOCKS_EXCLUDED(mu_);

  // From now on every operation fails with this, and these details.
  void FailWith(grpc::StatusCode code, const std::string& message, bool may_have_applied)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Register {
    std::string value;
    uint64_t version = 0;
  };
  using ServerStream = grpc::ServerReaderWriter<v1::StreamResponse, v1::StreamRequest>;

  grpc::Status Get(grpc::ServerContext* context, const v1::GetRequest* request,
                   v1::GetResponse* response) override;
  grpc::Status LocalRead(grpc::ServerContext* context, const v1::LocalReadRequest* request,
                         v1::GetResponse* response) override;
  grpc::Status Set(grpc::ServerContext* context, const v1::SetRequest* request,
                   v1::WriteResponse* response) override;
  grpc::Status Status(grpc::ServerContext* context, const v1::StatusRequest* request,
                      v1::StatusResponse* response) override;
  grpc::Status Stream(grpc::ServerContext* context, ServerStream* stream) override;

  void Serve(const v1::StreamRequest& request, v1::StreamResponse* response)
      ABSL_LOCKS_EXCLUDED(mu_);
  void Read(absl::string_view key, v1::GetResponse* response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Write(const v1::SetRequest& request, v1::WriteResponse* response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Blocks a call while there are no answers. OK, or how it fails.
  grpc::Status AwaitAnswer(grpc::ServerContext* context) ABSL_LOCKS_EXCLUDED(mu_);

  HostAndPort address_;
  std::unique_ptr<grpc::Server> server_;

  Mutex mu_;
  CondVar changed_;
  bool silent_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  v1::StreamError failure_ ABSL_GUARDED_BY(mu_);  // code 0: none
  uint64_t last_version_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<std::string, Register> registers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_MEMORY_NODE_H_
