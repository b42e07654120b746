// KvStreams: the method Stream of quorate.v1.KeyValue over a KvApi: decode, call, encode.
//
// Results that come while a write is in flight leave together in the next one: batches need no
// timer to gather. On the poll thread, results of one turn of the strand leave together too.
#ifndef QUORATE_NODE_KV_STREAM_H_
#define QUORATE_NODE_KV_STREAM_H_

#include <cstddef>
#include <functional>
#include <set>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"

#include "node/kv_api.h"
#include "node/poll_loop.h"
#include "proto/kv.pb.h"
#include "replication/env.h"
#include "replication/operation.h"
#include "support/mutex.h"

namespace quorate {

// The largest request of a client.
inline constexpr int kMaxRequestBytes = 8 << 20;

struct StreamLimits {
  // Streams at a time; more are refused with RESOURCE_EXHAUSTED.
  size_t max_streams = 256;
  // Of one stream. At these it is not read: operations in flight; bytes of their requests, of
  // results that wait to be sent, and of the results that reads in flight will probably have.
  size_t max_operations = 1024;
  size_t max_bytes = size_t{16} << 20;
  // Operations in flight of all streams together: at this, streams that have some in flight are not
  // read. Below what a node takes in all, so that other calls find room.
  size_t max_operations_in_all = 2048;
  // Results of one stream, and of all, that wait to be sent. Reads beyond, whose results were
  // larger than those before them, end with RESOURCE_EXHAUSTED.
  size_t max_waiting_bytes = size_t{64} << 20;
  size_t max_waiting_bytes_in_all = size_t{256} << 20;
  // For a client to take a message of results; the stream is cut off then.
  absl::Duration write_timeout = absl::Seconds(20);
};

class KvStream;

// All calls are on the poll thread, or before it is started.
class KvStreams {
 public:
  using Call = grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>;
  // Asks the server for the next stream.
  using Await = std::function<void(grpc::ServerContext* context, Call* call, void* tag)>;

  // `loop` and `api` must outlive the object, which must outlive the loop's last event.
  KvStreams(const StreamLimits& limits, PollLoop* loop, KvApi* api, Await await);
  ~KvStreams();

  KvStreams(const KvStreams&) = delete;
  KvStreams& operator=(const KvStreams&) = delete;

  // Takes streams from now on, until the server is shut down; once, after the server has started.
  void Start();

  // Sends the results that have come since the last call, and starts what they have made room for:
  // after each turn of the strand, and at least once a second. Returns whether it must be called
  // again soon, after another turn.
  bool Flush(MonotonicTime now) ABSL_LOCKS_EXCLUDED(mu_);

  // No stream is read any more: each ends with UNAVAILABLE once what it has in flight is answered.
  // So do new ones, at once.
  void End();

 private:
  friend class KvStream;

  // An operation of a stream, from its start until its result has been encoded.
  struct InFlight {
    KvStream* stream = nullptr;
    uint64_t id = 0;
    OperationId operation = 0;
    std::string key;
    bool write = false;
    bool siblings = false;
    size_t bytes = 0;
  };
  struct Finished {
    InFlight* operation;
    OperationResult result;
  };

  bool RoomInAll() const { return in_flight_ < limits_.max_operations_in_all; }
  void CutOffSilent(MonotonicTime now);
  void AwaitStream();
  // A KvApi's result. Thread-safe.
  void OnResult(InFlight* operation, OperationResult result) ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<Finished> TakeFinished() ABSL_LOCKS_EXCLUDED(mu_);

  const StreamLimits limits_;
  PollLoop* const loop_;
  KvApi* const api_;
  const Await await_;

  // Of the poll thread.
  bool ended_ = false;
  std::set<KvStream*> streams_;
  // These could start or read more, but others had to have their turn, or all are too many.
  std::set<KvStream*> waiting_;
  KvStream* served_last_ = nullptr;  // of those; only compared
  int turn_left_ = 0;                // operations that may be started before the next Flush
  size_t in_flight_ = 0;             // operations of all streams
  size_t waiting_bytes_ = 0;         // of all streams
  MonotonicTime now_ = -absl::InfiniteDuration();
  MonotonicTime next_check_ = -absl::InfiniteDuration();
  std::vector<Finished> finished_here_;
  // Reused, since making them costs more than filling them.
  v1::StreamOperation request_;
  v1::StreamResult result_;

  Mutex mu_;
  std::vector<Finished> finished_elsewhere_ ABSL_GUARDED_BY(mu_);
};

}  // namespace quorate

#endif  // QUORATE_NODE_KV_STREAM_H_
