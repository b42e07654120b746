#include "node/peer_routes.h"

#include <algorithm>

namespace quorate {

std::shared_ptr<PeerStream> PeerRoutes::Set(NodeId peer, bool reply,
                                            std::shared_ptr<PeerStream> stream) {
  MutexLock lock(&mu_);
  streams_[{peer, reply}].swap(stream);
  return stream;
}

bool PeerRoutes::Remove(NodeId peer, bool reply, const PeerStream* stream) {
  MutexLock lock(&mu_);
  const auto it = streams_.find({peer, reply});
  if (it == streams_.end() || it->second.get() != stream) return false;
  streams_.erase(it);
  return true;
}

bool PeerRoutes::Has(NodeId peer, bool reply) const { return Find(peer, reply) != nullptr; }

std::shared_ptr<PeerStream> PeerRoutes::Find(NodeId peer, bool reply) const {
  MutexLock lock(&mu_);
  const auto it = streams_.find({peer, reply});
  return it == streams_.end() ? nullptr : it->second;
}

void PeerRoutes::Send(std::vector<OutgoingBatch> batches) {
  std::vector<std::shared_ptr<PeerStream>> used;
  for (OutgoingBatch& outgoing : batches) {
    std::shared_ptr<PeerStream> stream = Find(outgoing.to, outgoing.batch.reply());
    if (stream == nullptr) {
      ++counters_->batches_dropped;
      continue;
    }
    stream->Send(std::move(outgoing.batch));
    if (std::find(used.begin(), used.end(), stream) == used.end()) {
      used.push_back(std::move(stream));
    }
  }
  for (const std::shared_ptr<PeerStream>& stream : used) stream->Flush();
}

}  // namespace quorate
