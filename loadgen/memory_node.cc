#include "loadgen/memory_node.h"

#include <chrono>
#include <vector>

#include "glog/logging.h"
#include "google/protobuf/arena.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/server_context.h"

#include "support/stream_metadata.h"

namespace quorate::loadgen {
namespace {

using google::protobuf::Arena;

constexpr char kName[] = "memory";
constexpr size_t kArenaBlockBytes = size_t{128} << 10;

google::protobuf::ArenaOptions ArenaOn(std::vector<char>* block) {
  google::protobuf::ArenaOptions options;
  options.initial_block = block->data();
  options.initial_block_size = block->size();
  options.start_block_size = options.max_block_size = kArenaBlockBytes;
  return options;
}

// Requests carry a key in one of two fields.
template <typename Request>
const std::string& KeyOf(const Request& request) {
  return request.key().empty() ? request.key_bytes() : request.key();
}

}  // namespace

MemoryNode::MemoryNode() {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(8 << 20);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  CHECK(server_ != nullptr) << "cannot listen";
  address_ = HostAndPort{"127.0.0.1", port};
}

MemoryNode::~MemoryNode() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  changed_.SignalAll();
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

void MemoryNode::FallSilent() {
  MutexLock lock(&mu_);
  silent_ = true;
}

void MemoryNode::FailWith(grpc::StatusCode code, const std::string& message,
                          bool may_have_applied) {
  MutexLock lock(&mu_);
  failure_.set_code(code);
  failure_.set_message(message);
  failure_.mutable_details()->set_may_have_applied(may_have_applied);
}

grpc::Status MemoryNode::AwaitAnswer(grpc::ServerContext* context) {
  MutexLock lock(&mu_);
  // A call that its client has given up tells nobody, so look from time to time.
  while (silent_ && !stopping_ && !context->IsCancelled()) {
    changed_.WaitUntil(&mu_, std::chrono::steady_clock::now() + std::chrono::milliseconds(5));
  }
  if (silent_) return grpc::Status::CANCELLED;
  if (failure_.code() == 0) return grpc::Status::OK;
  v1::RpcStatus status;
  status.set_code(failure_.code());
  status.set_message(failure_.message());
  status.add_details()->PackFrom(failure_.details());
  return grpc::Status(static_cast<grpc::StatusCode>(failure_.code()), failure_.message(),
                      status.SerializeAsString());
}

void MemoryNode::Read(absl::string_view key, v1::GetResponse* response) {
  response->set_node(kName);
  const auto held = registers_.find(key);
  if (held == registers_.end()) return;
  response->set_found(true);
  response->set_text(held->second.value);
  response->set_version(held->second.version);
  response->mutable_order()->set_major(1);
  response->mutable_order()->set_minor(held->second.version);
}

void MemoryNode::Write(const v1::SetRequest& request, v1::WriteResponse* response) {
  Register& held = registers_[KeyOf(request)];
  held.value = request.has_text() ? request.text() : request.data();
  held.version = ++last_version_;
  response->set_node(kName);
  response->set_version(held.version);
  response->mutable_order()->set_major(1);
  response->mutable_order()->set_minor(held.version);
}

grpc::Status MemoryNode::Get(grpc::ServerContext* context, const v1::GetRequest* request,
                             v1::GetResponse* response) {
  const grpc::Status status = AwaitAnswer(context);
  MutexLock lock(&mu_);
  if (status.ok()) Read(KeyOf(*request), response);
  return status;
}

grpc::Status MemoryNode::LocalRead(grpc::ServerContext* context,
                                   const v1::LocalReadRequest* request, v1::GetResponse* response) {
  const grpc::Status status = AwaitAnswer(context);
  MutexLock lock(&mu_);
  if (status.ok()) Read(KeyOf(*request), response);
  return status;
}

grpc::Status MemoryNode::Set(grpc::ServerContext* context, const v1::SetRequest* request,
                             v1::WriteResponse* response) {
  const grpc::Status status = AwaitAnswer(context);
  MutexLock lock(&mu_);
  if (status.ok()) Write(*request, response);
  return status;
}

grpc::Status MemoryNode::Status(grpc::ServerContext*, const v1::StatusRequest*,
                                v1::StatusResponse* response) {
  response->set_node(kName);
  response->set_role("leader");
  response->set_strategy("memory");
  response->set_state("serving");
  response->set_n(1);
  response->set_w(1);
  response->set_r(1);
  return grpc::Status::OK;
}

void MemoryNode::Serve(const v1::StreamRequest& request, v1::StreamResponse* response) {
  MutexLock lock(&mu_);
  if (silent_) return;
  for (const v1::StreamOperation& operation : request.operations()) {
    v1::StreamResult* const result = response->add_results();
    result->set_id(operation.id());
    if (failure_.code() != 0) {
      *result->mutable_error() = failure_;
    } else if (operation.has_set()) {
      Write(operation.set(), result->mutable_write());
    } else {
      Read(operation.has_get() ? KeyOf(operation.get()) : KeyOf(operation.local_read()),
           result->mutable_read());
    }
  }
}

grpc::Status MemoryNode::Stream(grpc::ServerContext* context, ServerStream* stream) {
  context->AddInitialMetadata(kStreamMetadata, kStreamMetadataValue);
  stream->SendInitialMetadata();
  std::vector<char> block(kArenaBlockBytes);
  Arena arena(ArenaOn(&block));
  while (true) {
    auto* const request = Arena::CreateMessage<v1::StreamRequest>(&arena);
    auto* const response = Arena::CreateMessage<v1::StreamResponse>(&arena);
    if (!stream->Read(request)) return grpc::Status::OK;
    Serve(*request, response);
    if (response->results_size() > 0 && !stream->Write(*response)) return grpc::Status::OK;
    arena.Reset();
  }
}

}  // namespace quorate::loadgen
