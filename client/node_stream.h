// NodeStream: the one Stream of a connection to one node: a queue of operations out, results in.
//
// What queues while a write is in flight leaves in the next one. The stream opens with the first
// operation; one that breaks gives back what it held, and opens again after a while.
#ifndef QUORATE_CLIENT_NODE_STREAM_H_
#define QUORATE_CLIENT_NODE_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/async_stream.h"

#include "client/event_loop.h"
#include "client/retry_policy.h"
#include "proto/kv.grpc.pb.h"

namespace quorate {

// The largest operation that a node takes: its limit for a message, less what is around it.
inline constexpr size_t kMaxOperationBytes = (size_t{8} << 20) - 64;

class NodeStreamListener {
 public:
  virtual ~NodeStreamListener() = default;
  // The result of an operation in flight; the listener may take what is in it.
  virtual void OnResult(v1::StreamResult* result) = 0;
  // The stream broke, or could not be opened, before operation `id` had a result. `sent`: it may
  // have reached the node. `why` is UNAVAILABLE.
  virtual void OnLost(uint64_t id, bool sent, const absl::Status& why) = 0;
};

// Belongs to a connection's thread.
class NodeStream {
 public:
  // All pointers must outlive the stream. `address` is for messages.
  NodeStream(const std::string& address, EventLoop* loop, v1::KeyValue::Stub* stub,
             NodeStreamListener* listener);
  // Must be idle.
  ~NodeStream();

  NodeStream(const NodeStream&) = delete;
  NodeStream& operator=(const NodeStream&) = delete;

  // Queues an operation, whose id must be greater than all before. The node is told to answer by
  // `answer_by`, as much later as that is when the operation leaves. UNAVAILABLE where the stream
  // is broken and it is too early to open it again.
  absl::Status Send(v1::StreamOperation operation, SteadyTime answer_by);

  // Whether operation `id` may have reached the node.
  bool Sent(uint64_t id) const { return sent_.contains(id); }

  // The result of `id` is not wanted any more, and will not come. Ids that are not in flight are
  // ignored.
  void Cancel(uint64_t id);

  // Writes what is queued, unless a write is in flight: its end does that.
  void Flush();

  // Ends the stream for good. Operations in flight are forgotten.
  void Shutdown();
  // Whether it has no call under way.
  bool idle() const { return state_ == State::kClosed; }

 private:
  enum class State { kClosed, kOpening, kOpen, kEnding };

  struct Queued {
    v1::StreamOperation operation;
    SteadyTime answer_by;
  };

  void Open();
  void OnStarted(bool ok);
  void OnOpened(bool ok);
  void OnWritten(bool ok);
  void OnRead(bool ok);
  void OnFinished(bool ok);
  void Finish();
  void CloseIfOver();
  void StopOpenTimer();

  const std::string address_;
  EventLoop* const loop_;
  v1::KeyValue::Stub* const stub_;
  NodeStreamListener* const listener_;
  absl::BitGen random_;

  State state_ = State::kClosed;
  bool shut_down_ = false;
  bool writing_ = false;
  bool finished_ = false;
  int failures_ = 0;  // since it was open
  SteadyTime open_again_;
  absl::Status last_failure_;
  bool timer_runs_ = false;
  EventLoop::TimerId open_timer_;

  absl::btree_map<uint64_t, Queued> queued_;  // by id, so in the order of Send
  absl::flat_hash_set<uint64_t> sent_;
  std::vector<uint64_t> cancelled_;  // to be told to the node
  v1::StreamRequest request_;
  v1::StreamResponse response_;

  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<v1::StreamRequest, v1::StreamResponse>> call_;
  grpc::Status status_;
  EventTag<NodeStream> started_tag_{this, &NodeStream::OnStarted};
  EventTag<NodeStream> opened_tag_{this, &NodeStream::OnOpened};
  EventTag<NodeStream> written_tag_{this, &NodeStream::OnWritten};
  EventTag<NodeStream> read_tag_{this, &NodeStream::OnRead};
  EventTag<NodeStream> finished_tag_{this, &NodeStream::OnFinished};
};

}  // namespace quorate

#endif  // QUORATE_CLIENT_NODE_STREAM_H_
