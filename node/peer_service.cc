#include "node/peer_service.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"

#include "replication/cluster_config.h"

namespace quorate {
namespace {

// Streams at a time, those that are ending included: a bound against strangers.
constexpr size_t kMaxStreams = 256;

}  // namespace

// The far end's requests come in, this node's replies go out.
class AcceptedStream final : public PeerStream {
 public:
  AcceptedStream(PeerService* owner, PollLoop* loop, PeerStreamListener* listener,
                 PeerCounters* counters)
      : PeerStream(/*replies=*/false, loop, listener, counters), owner_(owner) {}

  void Await(peer::v1::Peer::AsyncService* service, grpc::ServerCompletionQueue* queue) {
    service->RequestReplicate(&context_, &call_, queue, queue, accepted_.tag());
  }

  std::string Metadata(const char* name) const {
    const auto it = context_.client_metadata().find(name);
    return it == context_.client_metadata().end()
               ? std::string()
               : std::string(it->second.data(), it->second.size());
  }
  std::string address() const { return context_.peer(); }

  // Takes the stream: introduces this node, then lets batches flow.
  void Accept(const PeerIdentity& self, NodeId peer) {
    context_.AddInitialMetadata(kNodeMetadata, self.name);
    context_.AddInitialMetadata(kClusterMetadata, self.cluster);
    call_.SendInitialMetadata(OpenWriting(peer));
  }

  // Ends the stream, accepted or not; PeerService::OnEnded follows.
  void Close(grpc::Status status) {
    if (closing_) return;
    closing_ = true;
    status_ = std::move(status);
    if (!broken()) Break();
    if (finishing_) return;
    // A write in flight may wait forever for a peer that does not read.
    if (WriteInFlight()) return context_.TryCancel();
    Finish();
  }

 private:
  void StartRead(peer::v1::Batch* batch, void* tag) override { call_.Read(batch, tag); }
  void StartWrite(const peer::v1::Batch& batch, void* tag) override { call_.Write(batch, tag); }
  void OnFailed() override {
    if (WriteInFlight()) context_.TryCancel();
    Break();
  }
  void OnQuiet() override {
    if (!finishing_) {
      Finish();
    } else if (finished_) {
      owner_->OnEnded(this);
    }
  }

  void OnAccepted(bool ok) { owner_->OnAccepted(this, ok); }
  // With a read in flight, perhaps, but no write.
  void Finish() {
    finishing_ = true;
    call_.Finish(status_, finish_.tag());
  }
  void OnFinished(bool) {
    finished_ = true;
    if (!reading()) owner_->OnEnded(this);
  }

  PeerService* const owner_;
  bool closing_ = false;
  bool finishing_ = false;
  bool finished_ = false;
  grpc::Status status_;
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<peer::v1::Batch, peer::v1::Batch> call_{&context_};
  EventTag<AcceptedStream> accepted_{this, &AcceptedStream::OnAccepted};
  EventTag<AcceptedStream> finish_{this, &AcceptedStream::OnFinished};
};

PeerService::PeerService(const PeerIdentity& self, PollLoop* loop, PeerRoutes* routes,
                         PeerStreamListener* listener, PeerCounters* counters)
    : self_(self), loop_(loop), routes_(routes), listener_(listener), counters_(counters) {}

PeerService::~PeerService() { CHECK(idle()) << "streams outlive their service"; }

void PeerService::Start() { AwaitStream(); }

void PeerService::AwaitStream() {
  next_ = std::make_shared<AcceptedStream>(this, loop_, listener_, counters_);
  next_->Await(&service_, loop_->queue());
}

grpc::Status PeerService::Examine(absl::string_view name, absl::string_view cluster,
                                  NodeId* id) const {
  if (shut_down_) return {grpc::StatusCode::UNAVAILABLE, "this node is shutting down"};
  if (streams_.size() >= kMaxStreams) {
    return {grpc::StatusCode::RESOURCE_EXHAUSTED, "this node has too many peer streams"};
  }
  const absl::StatusOr<NodeId> parsed = ParseNodeName(name);
  if (!parsed.ok()) {
    return {grpc::StatusCode::INVALID_ARGUMENT,
            absl::StrCat("metadata ", kNodeMetadata, ": ", parsed.status().message())};
  }
  if (cluster != self_.cluster) {
    return {grpc::StatusCode::FAILED_PRECONDITION,
            absl::StrCat("node '", self_.name, "' belongs to cluster '", self_.cluster,
                         "', not to '", cluster, "'")};
  }
  if (*parsed == self_.id) {
    return {grpc::StatusCode::FAILED_PRECONDITION,
            absl::StrCat("node '", name, "' has called itself, or two nodes were given its id")};
  }
  *id = *parsed;
  return grpc::Status::OK;
}

void PeerService::OnAccepted(AcceptedStream* accepted, bool ok) {
  CHECK_EQ(accepted, next_.get());
  const std::shared_ptr<AcceptedStream> stream = std::move(next_);
  if (!ok) return;  // the server is going down
  AwaitStream();
  const std::string name = stream->Metadata(kNodeMetadata);
  NodeId id = 0;
  const grpc::Status status = Examine(name, stream->Metadata(kClusterMetadata), &id);
  streams_.insert(stream);
  if (!status.ok()) {
    LOG_EVERY_N(WARNING, 100) << "refused a stream from '" << name << "' at " << stream->address()
                              << ": " << status.error_message();
    return stream->Close(status);
  }
  stream->Accept(self_, id);
  const std::shared_ptr<PeerStream> old = routes_->Set(id, /*reply=*/true, stream);
  if (old == nullptr) return;
  std::static_pointer_cast<AcceptedStream>(old)->Close(
      {grpc::StatusCode::ABORTED,
       absl::StrCat("another stream from node '", name,
                    "' has replaced this one: do two nodes have its id?")});
}

void PeerService::OnEnded(AcceptedStream* stream) {
  if (stream->peer() != 0) routes_->Remove(stream->peer(), /*reply=*/true, stream);
  const auto it =
      streams_.find(std::static_pointer_cast<AcceptedStream>(stream->shared_from_this()));
  CHECK(it != streams_.end());
  streams_.erase(it);
}

void PeerService::Shutdown() {
  shut_down_ = true;
  const std::set<std::shared_ptr<AcceptedStream>> streams = streams_;
  for (const std::shared_ptr<AcceptedStream>& stream : streams) {
    stream->Close({grpc::StatusCode::UNAVAILABLE, "this node is shutting down"});
  }
}

}  // namespace quorate
