#include "node/peer_stream.h"

#include <utility>

#include "glog/logging.h"

namespace quorate {
namespace {

// Outgoing: far above what a leader has in flight to one follower, and room for the largest batch.
constexpr size_t kMaxQueuedBytes = size_t{64} << 20;
constexpr size_t kMaxQueuedBatches = 4096;

// Incoming batches that the strand has not dealt with yet, a stream.
constexpr int64_t kMaxUnconsumedBytes = int64_t{4} << 20;

}  // namespace

bool PeerStream::Send(peer::v1::Batch batch) {
  const size_t bytes = batch.ByteSizeLong();
  bool sent = false;
  if (bytes <= kMaxPeerMessageBytes) {
    MutexLock lock(&mu_);
    if (open_ && queued_bytes_ + bytes <= kMaxQueuedBytes && queue_.size() < kMaxQueuedBatches) {
      queued_bytes_ += bytes;
      queue_.push_back(Queued{std::move(batch), bytes});
      sent = true;
    }
  } else {
    LOG_EVERY_N(ERROR, 100) << "a batch of " << bytes << " bytes is dropped: a message may have "
                            << kMaxPeerMessageBytes;
  }
  ++(sent ? counters_->batches_sent : counters_->batches_dropped);
  if (sent) counters_->bytes_sent += bytes;
  return sent;
}

void PeerStream::Flush() {
  Queued next;
  grpc::WriteOptions options;
  {
    MutexLock lock(&mu_);
    if (!open_ || writing_ || queue_.empty()) return;
    writing_ = true;
    next = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= next.bytes;
    if (!queue_.empty()) options.set_buffer_hint();
  }
  StartWrite(next.batch, options, written_.tag());
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
  std::deque<Queued> dropped;  // freed outside the lock
  {
    MutexLock lock(&mu_);
    open_ = false;
    writing = writing_;
    dropped.swap(queue_);
    queued_bytes_ = 0;
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
    const size_t bytes = batch.ByteSizeLong();
    counters_->bytes_received += bytes;
    unconsumed_bytes_.fetch_add(static_cast<int64_t>(bytes));
    listener_->OnBatch(shared_from_this(), std::move(batch), bytes);
  } else {
    ++counters_->batches_rejected;
  }
  if (unconsumed_bytes_.load() < kMaxUnconsumedBytes) return Read();
  paused_ = true;
  listener_->OnPaused(shared_from_this());
}

bool PeerStream::Acceptable(const peer::v1::Batch& batch) const {
  return batch.from() == peer_ && batch.reply() == replies_;
}

bool PeerStream::ResumeReading() {
  if (!paused_ || broken_) return false;
  if (unconsumed_bytes_.load() >= kMaxUnconsumedBytes) return true;
  paused_ = false;
  Read();
  return false;
}

}  // namespace quorate
