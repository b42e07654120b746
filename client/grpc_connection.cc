#include "client/grpc_connection.h"

#include <utility>

#include "glog/logging.h"
#include "grpc/grpc.h"

#include "client/call_engine.h"

namespace quorate {
namespace {

// Once in a process, for good: gRPC shuts down when its last user ends, and after large messages
// that may wait ten seconds for a thread of its own.
void KeepGrpcRunning() {
  static const bool kept = [] {
    grpc_init();
    return true;
  }();
  static_cast<void>(kept);
}

void RunEngine(const std::shared_ptr<CallEngine>& engine) {
  if (engine->Run()) return;
  LOG(ERROR) << "gRPC does not give back calls that were cancelled; their memory is lost";
  // Never deleted: gRPC may still write to what the engine has.
  new std::shared_ptr<CallEngine>(engine);
}

}  // namespace

absl::StatusOr<std::shared_ptr<Connection>> Connect(const ConnectionOptions& options) {
  const absl::Status valid = Validate(options);
  if (!valid.ok()) return valid;
  return std::make_shared<GrpcConnection>(options);
}

GrpcConnection::GrpcConnection(const ConnectionOptions& options)
    : engine_(std::make_shared<CallEngine>(options)), thread_(&RunEngine, engine_) {
  KeepGrpcRunning();
}

GrpcConnection::~GrpcConnection() {
  const bool in_callback = engine_->OnThread();
  engine_->End();
  if (in_callback) {
    thread_.detach();  // it has the engine as long as it needs it
  } else {
    thread_.join();
  }
}

CallId GrpcConnection::Read(ReadRequest request, ReadCallback done) {
  return engine_->Read(std::move(request), std::move(done));
}

CallId GrpcConnection::Write(WriteRequest request, WriteCallback done) {
  return engine_->Write(std::move(request), std::move(done));
}

CallId GrpcConnection::Status(StatusRequest request, StatusCallback done) {
  return engine_->Status(std::move(request), std::move(done));
}

void GrpcConnection::Cancel(CallId id) { engine_->Cancel(id); }

}  // namespace quorate
