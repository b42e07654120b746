#include "client/fake_node.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/server_context.h"

#include "support/stream_metadata.h"

namespace quorate {

v1::StreamResult FoundText(const std::string& value) {
  v1::StreamResult result;
  result.mutable_read()->set_found(true);
  result.mutable_read()->set_text(value);
  result.mutable_read()->set_version(1);
  return result;
}

v1::StreamResult FailedWith(int code, bool may_have_applied, const std::string& leader) {
  v1::StreamResult result;
  result.mutable_error()->set_code(code);
  result.mutable_error()->set_message("as the test says");
  result.mutable_error()->mutable_details()->set_may_have_applied(may_have_applied);
  result.mutable_error()->mutable_details()->set_leader(leader);
  return result;
}

FakeNode::FakeNode(const std::string& name) : name_(name), address_("127.0.0.1:0") {
  Start();
  Describe("", {});
}

FakeNode::~FakeNode() { Stop(); }

void FakeNode::Start() {
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // As a node's.
  builder.SetMaxReceiveMessageSize(8 << 20);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000);
  builder.AddListeningPort(address_, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  CHECK(server_ != nullptr) << "cannot listen on " << address_;
  address_ = absl::StrCat("127.0.0.1:", port);
}

void FakeNode::Stop() {
  if (server_ == nullptr) return;
  Thaw();
  TakeStreams();
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

void FakeNode::AnswerWith(Answer answer) {
  MutexLock lock(&mu_);
  answer_ = std::move(answer);
}

void FakeNode::Describe(const std::string& leader, const std::vector<FakeNode*>& peers) {
  v1::StatusResponse status;
  status.set_node(name_);
  status.set_state("serving");
  status.set_leader(leader);
  status.set_grpc_address(address_);
  for (const FakeNode* peer : peers) {
    status.add_peers()->set_node(peer->name_);
    status.mutable_peers()->rbegin()->set_grpc_address(peer->address_);
  }
  MutexLock lock(&mu_);
  status_ = status;
}

void FakeNode::BelongTo(const std::string& cluster) {
  MutexLock lock(&mu_);
  cluster_ = cluster;
}

void FakeNode::Freeze() {
  MutexLock lock(&mu_);
  frozen_ = true;
}

void FakeNode::Thaw() {
  MutexLock lock(&mu_);
  frozen_ = false;
  changed_.SignalAll();
}

void FakeNode::HoldStreams() {
  MutexLock lock(&mu_);
  holds_ = true;
}

void FakeNode::TakeStreams() {
  MutexLock lock(&mu_);
  holds_ = false;
  changed_.SignalAll();
}

void FakeNode::RefuseStreams() {
  MutexLock lock(&mu_);
  refuses_ = true;
}

void FakeNode::BreakStreams() {
  MutexLock lock(&mu_);
  for (grpc::ServerContext* context : streams_) context->TryCancel();
}

std::vector<v1::StreamOperation> FakeNode::operations() const {
  MutexLock lock(&mu_);
  return operations_;
}

size_t FakeNode::messages() const {
  MutexLock lock(&mu_);
  return messages_;
}

template <typename Condition>
bool FakeNode::Await(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  MutexLock lock(&mu_);
  while (!condition()) {
    if (!changed_.WaitUntil(&mu_, until)) return condition();
  }
  return true;
}

bool FakeNode::AwaitOperations(size_t count) {
  return Await([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return operations_.size() >= count; });
}

bool FakeNode::AwaitCancelled(size_t count) {
  return Await([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return cancelled_ >= count; });
}

v1::StreamResponse FakeNode::Serve(const v1::StreamRequest& request) {
  Answer answer;
  {
    MutexLock lock(&mu_);
    answer = answer_;
    ++messages_;
    cancelled_ += static_cast<size_t>(request.cancel_size());
    operations_.insert(operations_.end(), request.operations().begin(), request.operations().end());
    changed_.SignalAll();
    if (frozen_) return v1::StreamResponse();
  }
  v1::StreamResponse response;
  for (const v1::StreamOperation& operation : request.operations()) {
    std::optional<v1::StreamResult> result;
    if (answer) {
      result = answer(operation);
    } else if (operation.has_get() || operation.has_local_read()) {
      result = FoundText(name_);
    } else {
      result.emplace().mutable_write()->set_version(1);
    }
    if (!result.has_value()) continue;
    result->set_id(operation.id());
    *response.add_results() = *std::move(result);
  }
  return response;
}

grpc::Status FakeNode::Stream(grpc::ServerContext* context, ServerStream* stream) {
  {
    MutexLock lock(&mu_);
    while (holds_) changed_.Wait(&mu_);
    if (refuses_) return {grpc::StatusCode::UNIMPLEMENTED, "no streams here"};
    streams_.insert(context);
  }
  context->AddInitialMetadata(kStreamMetadata, kStreamMetadataValue);
  stream->SendInitialMetadata();
  v1::StreamRequest request;
  while (stream->Read(&request)) {
    const v1::StreamResponse response = Serve(request);
    if (response.results_size() > 0 && !stream->Write(response)) break;
  }
  MutexLock lock(&mu_);
  streams_.erase(context);
  return grpc::Status::OK;
}

grpc::Status FakeNode::Status(grpc::ServerContext*, const v1::StatusRequest*,
                              v1::StatusResponse* response) {
  MutexLock lock(&mu_);
  while (frozen_) changed_.Wait(&mu_);
  *response = status_;
  response->set_cluster(cluster_);
  return grpc::Status::OK;
}

}  // namespace quorate
