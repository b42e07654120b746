// DialledStream: the near end of a Replicate stream that this node opens to a peer. It carries
// requests out and replies in.
#ifndef QUORATE_NODE_DIALLED_STREAM_H_
#define QUORATE_NODE_DIALLED_STREAM_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/status.h"

#include "node/peer_routes.h"
#include "node/peer_stream.h"
#include "proto/peer.grpc.pb.h"

namespace quorate {

class DialledStream;

class DialOwner {
 public:
  virtual ~DialOwner() = default;
  // The other end has introduced itself by `name`: call Accept or Abandon.
  virtual void OnGreeted(DialledStream* stream, absl::string_view name) = 0;
  // The last call for a stream; it may never have been greeted.
  virtual void OnEnded(DialledStream* stream, const grpc::Status& status) = 0;
};

// All calls are on the poll thread.
class DialledStream final : public PeerStream {
 public:
  // All must outlive the stream.
  DialledStream(DialOwner* owner, PollLoop* loop, PeerStreamListener* listener,
                PeerCounters* counters)
      : PeerStream(/*replies=*/true, loop, listener, counters), owner_(owner), loop_(loop) {}

  // Opens the stream; it lives until OnEnded has returned at least.
  void Start(const PeerIdentity& self, peer::v1::Peer::Stub* stub);

  // The peer is who it should be: batches may flow.
  void Accept(NodeId peer);

  // Ends the stream, whatever it is doing. OnEnded follows.
  void Abandon();

 private:
  void StartRead(peer::v1::Batch* batch, void* tag) override { call_->Read(batch, tag); }
  void StartWrite(const peer::v1::Batch& batch, void* tag) override { call_->Write(batch, tag); }
  void OnFailed() override { Break(); }
  void OnQuiet() override { Finish(); }

  void OnStarted(bool ok);
  void OnMetadata(bool ok);
  void Finish();
  void OnFinished(bool ok);

  DialOwner* const owner_;
  PollLoop* const loop_;
  std::shared_ptr<PeerStream> self_;  // until the last event
  bool abandoned_ = false;
  bool accepted_ = false;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<peer::v1::Batch, peer::v1::Batch>> call_;
  grpc::Status status_;
  EventTag<DialledStream> started_{this, &DialledStream::OnStarted};
  EventTag<DialledStream> metadata_{this, &DialledStream::OnMetadata};
  EventTag<DialledStream> finished_{this, &DialledStream::OnFinished};
};

}  // namespace quorate

#endif  // QUORATE_NODE_DIALLED_STREAM_H_
