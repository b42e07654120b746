#include "client/node_pool.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "glog/logging.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/async_unary_call.h"
#include "grpcpp/support/channel_arguments.h"

#include "client/codec.h"

namespace quorate {
namespace {

// A value with all its siblings fits; a node has a bound of its own.
constexpr int kMaxResponseBytes = 64 << 20;

constexpr absl::Duration kRefreshTimeout = absl::Seconds(1);

// A node that vanishes without a word, as one does that loses its power, is found out in this time
// although nothing is under way. Nodes must allow pings as often as that: gRPC's servers end what
// comes more often than every five minutes unless told otherwise.
constexpr absl::Duration kKeepaliveInterval = absl::Seconds(10);
constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(5);

int Millis(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  // Nodes are called directly, whatever proxy the environment names for the web.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Connections that go with their channel.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Millis(kKeepaliveInterval));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Millis(kKeepaliveTimeout));
  // However long the stream is idle: by default gRPC stops after two.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

// Owns itself until its event has come.
class NodePool::StatusCall {
 public:
  StatusCall(NodePool* owner, std::unique_ptr<v1::KeyValue::Stub> own_stub,
             v1::KeyValue::Stub* stub, absl::Duration timeout, StatusDone done)
      : owner_(owner), own_stub_(std::move(own_stub)), done_(std::move(done)) {
    context_.set_deadline(std::chrono::system_clock::now() +
                          absl::ToChronoMicroseconds(std::min(timeout, absl::Hours(1))));
    call_ = stub->AsyncStatus(&context_, v1::StatusRequest(), owner_->loop_->queue());
    call_->Finish(&response_, &status_, tag_.tag());
  }

  void Cancel() {
    done_ = nullptr;
    context_.TryCancel();
  }

 private:
  void OnFinished(bool) {
    owner_->status_calls_.erase(this);
    if (done_) done_(status_, response_);
    delete this;
  }

  NodePool* const owner_;
  const std::unique_ptr<v1::KeyValue::Stub> own_stub_;
  StatusDone done_;
  grpc::ClientContext context_;
  v1::StatusResponse response_;
  grpc::Status status_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::StatusResponse>> call_;
  EventTag<StatusCall> tag_{this, &StatusCall::OnFinished};
};

NodePool::NodePool(const ConnectionOptions& options, EventLoop* loop, NodeStreamListener* listener)
    : options_(options), loop_(loop), listener_(listener), directory_(options.targets) {}

NodePool::~NodePool() { CHECK(idle()) << "the pool goes away with calls under way"; }

void NodePool::Start(std::function<void()> oriented) {
  on_oriented_ = std::move(oriented);
  Grow();
  Refresh();
}

void NodePool::Grow() {
  while (nodes_.size() < directory_.size()) {
    Node node;
    const std::string& address = directory_.address(nodes_.size());
    node.channel = MakeChannel(address);
    node.stub = v1::KeyValue::NewStub(node.channel);
    node.stream = std::make_unique<NodeStream>(address, loop_, node.stub.get(), listener_);
    nodes_.push_back(std::move(node));
    Ask(nodes_.size() - 1);
  }
}

void NodePool::RefreshSoon() {
  if (shut_down_) return;
  const SteadyTime next = std::max(After(last_refresh_, kMinRefreshInterval), loop_->now());
  if (refresh_timer_.first <= next) return;
  loop_->StopTimer(refresh_timer_);
  refresh_timer_ = loop_->StartTimer(next, [this] { Refresh(); });
}

void NodePool::Failed(size_t node) {
  directory_.Failed(node, loop_->now());
  loop_->StopTimer(nodes_[node].ask_again);
  nodes_[node].ask_again =
      loop_->StartTimer(directory_.avoided_until(node), [this, node] { Ask(node); });
}

void NodePool::Refresh() {
  last_refresh_ = loop_->now();
  refresh_timer_ =
      loop_->StartTimer(After(loop_->now(), options_.refresh_interval), [this] { Refresh(); });
  // Those that are another address of a node too: they may lead elsewhere by now.
  for (size_t node = 0; node < nodes_.size(); ++node) Ask(node);
}

void NodePool::Ask(size_t node) {
  if (shut_down_ || nodes_[node].asked) return;
  nodes_[node].asked = true;
  AskStatus(node, kRefreshTimeout,
            [this, node](const grpc::Status& status, const v1::StatusResponse& response) {
              nodes_[node].asked = false;
              nodes_[node].was_asked = true;
              if (status.ok()) {
                directory_.Answered(node);
                directory_.Learn(node, Decode(response));
                Grow();
              } else {
                Failed(node);
              }
              Orient(status.ok());
            });
}

void NodePool::Orient(bool answered) {
  const bool over =
      std::all_of(nodes_.begin(), nodes_.end(), [](const Node& node) { return node.was_asked; });
  if (oriented_ || (!answered && !over)) return;
  oriented_ = true;
  on_oriented_();
}

NodePool::StatusCall* NodePool::StartStatus(std::unique_ptr<v1::KeyValue::Stub> own_stub,
                                            v1::KeyValue::Stub* stub, absl::Duration timeout,
                                            StatusDone done) {
  auto* const call = new StatusCall(this, std::move(own_stub), stub, timeout, std::move(done));
  status_calls_.insert(call);
  return call;
}

NodePool::StatusCall* NodePool::AskStatus(size_t node, absl::Duration timeout, StatusDone done) {
  return StartStatus(nullptr, nodes_[node].stub.get(), timeout, std::move(done));
}

NodePool::StatusCall* NodePool::AskStatus(const std::string& address, absl::Duration timeout,
                                          StatusDone done) {
  for (size_t node = 0; node < nodes_.size(); ++node) {
    if (directory_.address(node) == address) return AskStatus(node, timeout, std::move(done));
  }
  std::unique_ptr<v1::KeyValue::Stub> stub = v1::KeyValue::NewStub(MakeChannel(address));
  v1::KeyValue::Stub* const called = stub.get();
  return StartStatus(std::move(stub), called, timeout, std::move(done));
}

void NodePool::Cancel(StatusCall* call) { call->Cancel(); }

void NodePool::Flush() {
  for (Node& node : nodes_) node.stream->Flush();
}

void NodePool::Shutdown() {
  if (shut_down_) return;
  shut_down_ = true;
  loop_->StopTimer(refresh_timer_);
  for (Node& node : nodes_) node.stream->Shutdown();
  for (StatusCall* call : status_calls_) call->Cancel();
}

bool NodePool::idle() const {
  return status_calls_.empty() && std::all_of(nodes_.begin(), nodes_.end(),
                                              [](const Node& node) { return node.stream->idle(); });
}

}  // namespace quorate
