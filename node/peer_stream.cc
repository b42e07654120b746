#include "node/peer_stream.h"

#include <optional>
#include <utility>

#include "glog/logging.h"

namespace quorate {
bool PeerStream::Send(peer::v1::Batch batch) {
  const size_t bytes = batch.ByteSizeLong();
  bool sent = false;
  if (bytes <= kMaxPeerMessageBytes) {
    MutexLock lock(&mu_);
    sent = open_ && queue_.Push(MonotonicNow(), std::move(batch), bytes);
  } else {
    LOG_EVERY_N(ERROR, 100) << "a batch of " << bytes << " bytes is dropped: a message may have "
                            << kMaxPeerMessageBytes;
  }
  if (!sent) ++counters_->batches_dropped;
  return sent;
}

void PeerStream::Flush() {
  std::optional<peer::v1::Batch> next;
  size_t dropped = 0;
  {
    MutexLock lock(&mu_);
    if (!open_ || writing_ || queue_.empty()) return;
    next = queue_.Pop(MonotonicNow(), &dropped);
    writing_ = next.has_value();
  }
  counters_->batches_dropped += dropped;
  if (!next.has_value()) return;
  ++counters_->batches_sent;
  counters_->bytes_sent += next->ByteSizeLong();
  asked_ = next->sequence();
  StartWrite(*next, written_.tag());
}

void PeerStream::OnWritten(bool ok) {
  {
    MutexLock lock(&mu_);
    writing_ = false;
  }
  if (ok && !broken_) return Flush();
  if (!broken_) return OnFailed();
  if (!reading_) OnQuiet();
}

bool PeerStream::WriteInFlight() {
  MutexLock lock(&mu_);
  return writing_;
}

void PeerStream::Open(NodeId peer) {
  peer_ = peer;
  last_heard_ = MonotonicNow();
  {
    MutexLock lock(&mu_);
    open_ = true;
  }
  Read();
}

void* PeerStream::OpenWriting(NodeId peer) {
  {
    MutexLock lock(&mu_);
    writing_ = true;
  }
  Open(peer);
  return written_.tag();
}

void PeerStream::Break() {
  CHECK(!broken_);
  broken_ = true;
  bool writing = false;
  BatchQueue dropped;  // freed outside the lock
  {
    MutexLock lock(&mu_);
    open_ = false;
    writing = writing_;
    std::swap(dropped, queue_);
  }
  counters_->batches_dropped += dropped.size();
  if (!writing && !reading_) OnQuiet();
}

void PeerStream::Read() {
  reading_ = true;
  StartRead(&incoming_, read_.tag());
}

void PeerStream::OnRead(bool ok) {
  reading_ = false;
  if (broken_) {
    if (!WriteInFlight()) OnQuiet();
    return;
  }
  if (!ok) return OnFailed();
  last_heard_ = MonotonicNow();
  peer::v1::Batch batch = std::move(incoming_);
  incoming_.Clear();
  if (Acceptable(batch)) {
    ++counters_->batches_received;
    answered_ = batch.seen();
    const size_t bytes = batch.ByteSizeLong();
    counters_->bytes_received += bytes;
    unconsumed_bytes_.fetch_add(static_cast<int64_t>(bytes));
    listener_->OnBatch(shared_from_this(), std::move(batch), bytes);
  } else {
    ++counters_->batches_rejected;
  }
  if (ExpectsAnswer() && !HoldsTooMuch()) return Read();
  paused_ = true;
  listener_->OnPaused(shared_from_this());
}

bool PeerStream::Acceptable(const peer::v1::Batch& batch) const {
  return batch.from() == peer_ && batch.reply() == replies_;
}

bool PeerStream::ResumeReading(MonotonicTime now) {
  if (!paused_ || broken_) return false;
  if (HoldsTooMuch() || (!ExpectsAnswer() && now - last_heard_ < kAnswerPause)) return true;
  paused_ = false;
  // It was this node that did not listen: the peer's silence begins now.
  last_heard_ = MonotonicNow();
  Read();
  return false;
}

}  // namespace quorate
