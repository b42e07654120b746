#include "bench/transport_servers.h"

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/async_unary_call.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"

#include "node/kv_codec.h"
#include "node/kv_service.h"
#include "node/peer_routes.h"
#include "node/peer_service.h"
#include "node/peer_stream.h"
#include "node/poll_loop.h"
#include "node/status_mapping.h"
#include "proto/kv.grpc.pb.h"
#include "proto/peer.grpc.pb.h"
#include "support/event_tag.h"
#include "support/mutex.h"

namespace quorate {
namespace {

constexpr NodeId kServerId = 1000;

class InstantApi : public KvApi {
 public:
  OperationId Start(Operation, Callback callback) override {
    OperationResult result;
    result.node = kServerId;
    result.answers = result.required = 1;
    result.record = Record::Sequenced(1, 1, false, std::string(100, 'v'));
    result.order = OrderOf(*result.record);
    callback(std::move(result));
    return 1;
  }
  void Cancel(OperationId) override {}
  v1::StatusResponse Status() const override { return {}; }
  std::string NodeName(NodeId) const override { return "bench"; }
  Durability durability() const override { return Durability::kMemory; }
};

std::unique_ptr<grpc::Server> BuildServer(grpc::ServerBuilder* builder, const std::string& address,
                                          const std::vector<grpc::Service*>& services) {
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder->SetMaxReceiveMessageSize(kMaxPeerMessageBytes);
  builder->SetMaxSendMessageSize(kMaxPeerMessageBytes);
  builder->AddListeningPort(address, grpc::InsecureServerCredentials());
  for (grpc::Service* service : services) builder->RegisterService(service);
  return builder->BuildAndStart();
}

peer::v1::Batch ReplyTo(peer::v1::Batch batch) {
  batch.set_from(kServerId);
  batch.set_reply(true);
  return batch;
}

// ---- One completion queue, one poll thread ----

class QueueServer final : public BenchServer, private PollHost, private PeerStreamListener {
 public:
  QueueServer(const std::string& address, KvApi* api) {
    grpc::ServerBuilder builder;
    loop_ = std::make_unique<PollLoop>(builder.AddCompletionQueue());
    PeerStreamListener* const listener = this;
    kv_service_ = std::make_unique<KvService>(loop_.get(), api);
    peer_service_ = std::make_unique<PeerService>(PeerIdentity{kServerId, "1000", "bench"},
                                                  loop_.get(), &routes_, listener, &counters_);
    server_ = BuildServer(&builder, address, {kv_service_->service(), peer_service_->service()});
    if (server_ == nullptr) {
      loop_->Shutdown();
      return;
    }
    kv_service_->Start();
    peer_service_->Start();
    loop_->Start(this);
  }
  bool running() const { return server_ != nullptr; }

 private:
  // What came in since the last turn is answered together, as a node's strand does.
  MonotonicTime OnGathered() override {
    std::vector<OutgoingBatch> replies;
    replies.swap(replies_);
    if (!replies.empty()) routes_.Send(std::move(replies));
    return kv_service_->Flush(MonotonicNow()) ? absl::ZeroDuration() : absl::InfiniteDuration();
  }
  MonotonicTime NextDeadline() const override { return absl::InfiniteDuration(); }
  void OnBatch(std::shared_ptr<PeerStream> stream, peer::v1::Batch batch, size_t bytes) override {
    stream->Consumed(bytes);
    replies_.push_back(OutgoingBatch{stream->peer(), ReplyTo(std::move(batch))});
  }
  void OnPaused(std::shared_ptr<PeerStream>) override { LOG(FATAL) << "nothing is left to wait"; }

  PeerCounters counters_;
  PeerRoutes routes_{&counters_};
  std::unique_ptr<PollLoop> loop_;
  std::unique_ptr<KvService> kv_service_;
  std::unique_ptr<PeerService> peer_service_;
  std::unique_ptr<grpc::Server> server_;
  std::vector<OutgoingBatch> replies_;  // of the poll thread
};

// ---- Bytes back as they came: no more than gRPC itself asks for ----

using EchoMethods =
    v1::KeyValue::WithRawMethod_Get<v1::KeyValue::WithRawMethod_Stream<v1::KeyValue::Service>>;

// Owns itself, as KvService's calls do.
class EchoCall {
 public:
  static void Start(EchoMethods* methods, PollLoop* loop) {
    auto* call = new EchoCall(methods, loop);
    methods->RequestGet(&call->context_, &call->bytes_, &call->responder_, loop->queue(),
                        loop->queue(), call->arrived_.tag());
  }

 private:
  EchoCall(EchoMethods* methods, PollLoop* loop) : methods_(methods), loop_(loop) {}

  void OnArrived(bool ok) {
    if (!ok) {
      delete this;
      return;
    }
    Start(methods_, loop_);
    responder_.Finish(bytes_, grpc::Status::OK, finished_.tag());
  }
  void OnFinished(bool) { delete this; }

  EchoMethods* const methods_;
  PollLoop* const loop_;
  grpc::ServerContext context_;
  grpc::ByteBuffer bytes_;
  grpc::ServerAsyncResponseWriter<grpc::ByteBuffer> responder_{&context_};
  EventTag<EchoCall> arrived_{this, &EchoCall::OnArrived};
  EventTag<EchoCall> finished_{this, &EchoCall::OnFinished};
};

// Owns itself. One read and one write in flight, and a queue between them.
class EchoStream {
 public:
  static void Start(EchoMethods* methods, PollLoop* loop) {
    auto* stream = new EchoStream(methods, loop);
    methods->RequestStream(&stream->context_, &stream->call_, loop->queue(), loop->queue(),
                           stream->arrived_.tag());
  }

 private:
  static constexpr size_t kMaxQueued = 64;

  EchoStream(EchoMethods* methods, PollLoop* loop) : methods_(methods), loop_(loop) {}

  void OnArrived(bool ok) {
    if (!ok) {
      delete this;
      return;
    }
    Start(methods_, loop_);
    Advance();
  }
  void OnRead(bool ok) {
    reading_ = false;
    if (ok) {
      queue_.push_back(incoming_);
      incoming_.Clear();
    } else {
      ended_ = true;
    }
    Advance();
  }
  void OnWritten(bool ok) {
    writing_ = false;
    if (!ok) {
      ended_ = true;
      queue_.clear();
    }
    Advance();
  }
  void OnFinished(bool) { delete this; }

  void Advance() {
    if (!writing_ && !queue_.empty()) {
      writing_ = true;
      call_.Write(queue_.front(), written_.tag());
      queue_.pop_front();
    }
    if (!reading_ && !ended_ && queue_.size() < kMaxQueued) {
      reading_ = true;
      call_.Read(&incoming_, read_.tag());
    }
    if (ended_ && !reading_ && !writing_) call_.Finish(grpc::Status::OK, finished_.tag());
  }

  EchoMethods* const methods_;
  PollLoop* const loop_;
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> call_{&context_};
  grpc::ByteBuffer incoming_;
  std::deque<grpc::ByteBuffer> queue_;
  bool reading_ = false;
  bool writing_ = false;
  bool ended_ = false;
  EventTag<EchoStream> arrived_{this, &EchoStream::OnArrived};
  EventTag<EchoStream> read_{this, &EchoStream::OnRead};
  EventTag<EchoStream> written_{this, &EchoStream::OnWritten};
  EventTag<EchoStream> finished_{this, &EchoStream::OnFinished};
};

class EchoServer final : public BenchServer, private PollHost {
 public:
  explicit EchoServer(const std::string& address) {
    grpc::ServerBuilder builder;
    loop_ = std::make_unique<PollLoop>(builder.AddCompletionQueue());
    server_ = BuildServer(&builder, address, {&methods_});
    if (server_ == nullptr) {
      loop_->Shutdown();
      return;
    }
    for (int i = 0; i < kAwaitedCalls; ++i) EchoCall::Start(&methods_, loop_.get());
    EchoStream::Start(&methods_, loop_.get());
    loop_->Start(this);
  }
  bool running() const { return server_ != nullptr; }

 private:
  static constexpr int kAwaitedCalls = 64;

  MonotonicTime OnGathered() override { return absl::InfiniteDuration(); }
  MonotonicTime NextDeadline() const override { return absl::InfiniteDuration(); }

  EchoMethods methods_;
  std::unique_ptr<PollLoop> loop_;
  std::unique_ptr<grpc::Server> server_;
};

// ---- Callbacks on gRPC's threads ----

absl::Duration TimeoutOf(const grpc::CallbackServerContext& context) {
  if (context.deadline() == std::chrono::system_clock::time_point::max()) {
    return OperationTimeout(absl::InfiniteDuration());
  }
  return OperationTimeout(absl::FromChrono(context.deadline()) -
                          absl::FromChrono(std::chrono::system_clock::now()));
}

class CallbackKeyValue final : public v1::KeyValue::CallbackService {
 public:
  explicit CallbackKeyValue(KvApi* api) : api_(api) {}

  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const v1::GetRequest* request,
                                v1::GetResponse* response) override {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    absl::StatusOr<Operation> operation = ToOperation(*request);
    if (!operation.ok()) {
      reactor->Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, ""));
      return reactor;
    }
    operation->timeout = TimeoutOf(*context);
    std::string key = operation->key;
    api_->Start(*std::move(operation), [this, reactor, request, response,
                                        key = std::move(key)](const OperationResult& result) {
      if (!result.status.ok()) {
        reactor->Finish(grpc::Status(
            static_cast<grpc::StatusCode>(ToWireStatus(result.status.code()).number),
            PrintableMessage(result.status.message()), EncodeErrorDetails(result, *api_)));
        return;
      }
      *response = ToGetResponse(key, request->siblings(), result, *api_);
      reactor->Finish(grpc::Status::OK);
    });
    return reactor;
  }

 private:
  KvApi* const api_;
};

// One read and one write in flight, and a queue between them, like PeerStream.
class EchoReactor final : public grpc::ServerBidiReactor<peer::v1::Batch, peer::v1::Batch> {
 public:
  explicit EchoReactor(grpc::CallbackServerContext* context) {
    context->AddInitialMetadata(kNodeMetadata, "1000");
    StartSendInitialMetadata();
    StartRead(&incoming_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    bool write = false;
    {
      MutexLock lock(&mu_);
      queue_.push_back(ReplyTo(std::move(incoming_)));
      incoming_.Clear();
      write = !writing_;
      writing_ = true;
    }
    if (write) WriteNext();
    StartRead(&incoming_);
  }
  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(&mu_);
      if (!ok || queue_.empty()) {
        writing_ = false;
        return;
      }
    }
    WriteNext();
  }
  void OnDone() override { delete this; }

 private:
  // By whoever has set writing_.
  void WriteNext() {
    grpc::WriteOptions options;
    {
      MutexLock lock(&mu_);
      outgoing_ = std::move(queue_.front());
      queue_.pop_front();
      if (!queue_.empty()) options.set_buffer_hint();
    }
    StartWrite(&outgoing_, options);
  }

  peer::v1::Batch incoming_;
  peer::v1::Batch outgoing_;  // of the write in flight
  Mutex mu_;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<peer::v1::Batch> queue_ ABSL_GUARDED_BY(mu_);
};

class CallbackPeer final : public peer::v1::Peer::CallbackService {
 public:
  grpc::ServerBidiReactor<peer::v1::Batch, peer::v1::Batch>* Replicate(
      grpc::CallbackServerContext* context) override {
    return new EchoReactor(context);
  }
};

class CallbackServer final : public BenchServer {
 public:
  CallbackServer(const std::string& address, KvApi* api) : kv_service_(api) {
    grpc::ServerBuilder builder;
    server_ = BuildServer(&builder, address, {&kv_service_, &peer_service_});
  }
  bool running() const { return server_ != nullptr; }

 private:
  CallbackKeyValue kv_service_;
  CallbackPeer peer_service_;
  std::unique_ptr<grpc::Server> server_;
};

template <typename Server, typename... Arguments>
std::unique_ptr<BenchServer> StartServer(const std::string& address, Arguments... arguments) {
  auto server = std::make_unique<Server>(address, arguments...);
  if (!server->running()) return nullptr;
  return server;
}

}  // namespace

std::unique_ptr<BenchServer> StartQueueServer(const std::string& address, KvApi* api) {
  return StartServer<QueueServer>(address, api);
}

std::unique_ptr<BenchServer> StartCallbackServer(const std::string& address, KvApi* api) {
  return StartServer<CallbackServer>(address, api);
}

std::unique_ptr<BenchServer> StartEchoServer(const std::string& address) {
  return StartServer<EchoServer>(address);
}

std::unique_ptr<KvApi> MakeInstantApi() { return std::make_unique<InstantApi>(); }

}  // namespace quorate
