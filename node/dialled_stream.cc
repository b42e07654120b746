#include "node/dialled_stream.h"

#include <utility>

namespace quorate {

void DialledStream::Start(const PeerIdentity& self, peer::v1::Peer::Stub* stub) {
  self_ = shared_from_this();
  context_.AddMetadata(kNodeMetadata, self.name);
  context_.AddMetadata(kClusterMetadata, self.cluster);
  call_ = stub->PrepareAsyncReplicate(&context_, loop_->queue());
  call_->StartCall(started_.tag());
}

void DialledStream::OnStarted(bool ok) {
  if (!ok || abandoned_) return Finish();
  call_->ReadInitialMetadata(metadata_.tag());
}

void DialledStream::OnMetadata(bool ok) {
  const auto& metadata = context_.GetServerInitialMetadata();
  const auto name = metadata.find(kNodeMetadata);
  // Without a name the call has failed, and its status says why.
  if (!ok || abandoned_ || name == metadata.end()) return Finish();
  owner_->OnGreeted(this, absl::string_view(name->second.data(), name->second.size()));
  if (abandoned_ && !accepted_) Finish();
}

void DialledStream::Accept(NodeId peer) {
  accepted_ = true;
  Open(peer);
}

void DialledStream::Abandon() {
  if (abandoned_) return;
  abandoned_ = true;
  context_.TryCancel();
  if (accepted_ && !broken()) Break();
}

void DialledStream::Finish() { call_->Finish(&status_, finished_.tag()); }

void DialledStream::OnFinished(bool) {
  const std::shared_ptr<PeerStream> self = std::move(self_);
  owner_->OnEnded(this, status_);
}

}  // namespace quorate
