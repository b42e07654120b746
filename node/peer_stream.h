// PeerStream: one end of a Replicate stream, dialled or accepted: a bounded queue of batches out,
// one write and one read in flight.
//
// What queues while a write is in flight goes out next, as one batch, so batches need no timer to
// gather. The stream promises nothing: batches are dropped where it is down, where its queue is
// full, and after they have queued for so long that hardly anybody waits for them any more. The
// sessions above take that as loss.
#ifndef QUORATE_NODE_PEER_STREAM_H_
#define QUORATE_NODE_PEER_STREAM_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "grpcpp/support/async_stream.h"

#include "node/batch_queue.h"
#include "node/poll_loop.h"
#include "proto/peer.pb.h"
#include "replication/storage/version.h"
#include "support/mutex.h"

namespace quorate {

// The metadata by which both ends introduce themselves: node id (as text) and cluster.
inline constexpr char kNodeMetadata[] = "quorate-node";
inline constexpr char kClusterMetadata[] = "quorate-cluster";

// What has happened on a node's peer streams since its start. Thread-safe.
struct PeerCounters {
  // As they travel: what has queued for one peer goes as one.
  std::atomic<uint64_t> batches_sent{0};
  std::atomic<uint64_t> batches_received{0};
  std::atomic<uint64_t> bytes_sent{0};  // of the batches above, as encoded
  std::atomic<uint64_t> bytes_received{0};
  std::atomic<uint64_t> batches_dropped{0};   // no stream, a full queue, too large or too old
  std::atomic<uint64_t> batches_rejected{0};  // received, but not from whom they should be
};

class PeerStream;

class PeerStreamListener {
 public:
  virtual ~PeerStreamListener() = default;
  // On the poll thread. The listener calls stream->Consumed(bytes) once the batch has been dealt
  // with, on any thread.
  virtual void OnBatch(std::shared_ptr<PeerStream> stream, peer::v1::Batch batch, size_t bytes) = 0;
  // On the poll thread: too much waits to be consumed, or nothing is expected for the moment. The
  // stream reads on when it is told to: the listener calls ResumeReading until it says so, soon
  // after there was something to write or to consume, and every kAnswerPause.
  virtual void OnPaused(std::shared_ptr<PeerStream> stream) = 0;
};

// Calls are on the poll thread, except where they say otherwise. A stream keeps itself alive until
// its last event has come.
class PeerStream : public std::enable_shared_from_this<PeerStream> {
 public:
  virtual ~PeerStream() = default;

  PeerStream(const PeerStream&) = delete;
  PeerStream& operator=(const PeerStream&) = delete;

  // Queues a batch. Returns false, and drops it, where it cannot be sent. Thread-safe.
  bool Send(peer::v1::Batch batch) ABSL_LOCKS_EXCLUDED(mu_);

  // Writes what is queued, unless a write is in flight: its end does that. Thread-safe.
  void Flush() ABSL_LOCKS_EXCLUDED(mu_);

  // `bytes` of batches given to the listener need no memory any more. Thread-safe.
  void Consumed(size_t bytes) { unconsumed_bytes_.fetch_sub(static_cast<int64_t>(bytes)); }

  // gRPC lets the peer send on whenever somebody reads, in a packet of its own that wakes the peer.
  // Where the peer has seen all questions, this can wait until the next one leaves, but for no
  // longer than about this: an answer may follow later, once the peer's disk allows.
  static constexpr absl::Duration kAnswerPause = absl::Microseconds(500);

  // Reads on where the stream is paused, unless there is still reason to pause. Returns whether it
  // still is paused.
  bool ResumeReading(MonotonicTime now);
  bool paused() const { return paused_; }

  // The node at the other end; 0 until it has introduced itself.
  NodeId peer() const { return peer_; }

  // When the last batch came, the stream was opened, or it read on after a pause.
  MonotonicTime last_heard() const { return last_heard_; }

 protected:
  // All must outlive the stream. `replies`: batches that come in are replies, those that go out
  // requests; otherwise the other way round.
  PeerStream(bool replies, PollLoop* loop, PeerStreamListener* listener, PeerCounters* counters)
      : replies_(replies), hold_(loop), listener_(listener), counters_(counters) {}

  // The peer is known: batches may flow. Starts the first read.
  void Open(NodeId peer) ABSL_LOCKS_EXCLUDED(mu_);
  // The same, with a write of the caller's in flight: its tag is what this returns.
  void* OpenWriting(NodeId peer) ABSL_LOCKS_EXCLUDED(mu_);
  // No more writes are started. Calls OnQuiet when none is in flight and no read is either.
  void Break() ABSL_LOCKS_EXCLUDED(mu_);
  bool WriteInFlight() ABSL_LOCKS_EXCLUDED(mu_);
  bool reading() const { return reading_; }
  bool broken() const { return broken_; }

  virtual void StartRead(peer::v1::Batch* batch, void* tag) = 0;
  virtual void StartWrite(const peer::v1::Batch& batch, void* tag) = 0;
  // A read or write has failed: the stream has ended, or will.
  virtual void OnFailed() = 0;
  // The stream is broken, and no read or write is in flight.
  virtual void OnQuiet() = 0;

  PeerCounters* counters() { return counters_; }

 private:
  // Incoming batches that the strand has not dealt with yet.
  static constexpr int64_t kMaxUnconsumedBytes = int64_t{4} << 20;

  bool ExpectsAnswer() const { return !replies_ || answered_ < asked_.load(); }
  bool HoldsTooMuch() const { return unconsumed_bytes_.load() >= kMaxUnconsumedBytes; }
  void Read();
  void OnRead(bool ok);
  void OnWritten(bool ok) ABSL_LOCKS_EXCLUDED(mu_);
  bool Acceptable(const peer::v1::Batch& batch) const;

  const bool replies_;
  const PollLoop::Hold hold_;
  PeerStreamListener* const listener_;
  PeerCounters* const counters_;

  // Of the poll thread.
  NodeId peer_ = 0;
  MonotonicTime last_heard_;
  peer::v1::Batch incoming_;
  bool reading_ = false;
  bool paused_ = false;
  uint64_t answered_ = 0;  // the last batch of this side that the peer's last reply has seen
  bool broken_ = false;
  EventTag<PeerStream> read_{this, &PeerStream::OnRead};
  EventTag<PeerStream> written_{this, &PeerStream::OnWritten};

  std::atomic<int64_t> unconsumed_bytes_{0};
  std::atomic<uint64_t> asked_{0};  // the last batch written

  Mutex mu_;
  bool open_ ABSL_GUARDED_BY(mu_) = false;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  BatchQueue queue_ ABSL_GUARDED_BY(mu_);
};

// What has come on a stream and counts against its bound, until this ends. Thread-safe.
class Unconsumed {
 public:
  Unconsumed(std::shared_ptr<PeerStream> stream, size_t bytes)
      : stream_(std::move(stream)), bytes_(bytes) {}
  ~Unconsumed() { stream_->Consumed(bytes_); }

  Unconsumed(const Unconsumed&) = delete;
  Unconsumed& operator=(const Unconsumed&) = delete;

 private:
  const std::shared_ptr<PeerStream> stream_;
  const size_t bytes_;
};

}  // namespace quorate

#endif  // QUORATE_NODE_PEER_STREAM_H_
