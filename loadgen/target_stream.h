// TargetStream: the one Stream to one target: operations out, many to a message, results in.
//
// What queues while a write is in flight leaves in the next message. The stream opens with the
// first operation. Where it breaks, what it held has failed; what comes while it is too early to
// open it again fails at once.
//
// Not thread-safe: belongs to the thread of its GrpcQueue.
#ifndef QUORATE_LOADGEN_TARGET_STREAM_H_
#define QUORATE_LOADGEN_TARGET_STREAM_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "google/protobuf/arena.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/status.h"

#include "loadgen/grpc_queue.h"
#include "loadgen/operation_table.h"
#include "loadgen/transport.h"
#include "proto/kv.grpc.pb.h"
#include "support/event_tag.h"

namespace quorate::loadgen {

class TargetStream {
 public:
  using Time = Transport::Time;

  // `options` and `queue` must outlive the stream. `name` is for messages.
  TargetStream(const std::string& name, const TransportOptions* options, GrpcQueue* queue,
               const std::shared_ptr<grpc::Channel>& channel);
  // Must be idle.
  ~TargetStream();

  TargetStream(const TargetStream&) = delete;
  TargetStream& operator=(const TargetStream&) = delete;

  bool HasRoom() const;
  void Send(uint64_t tag, const Request& request);

  // Who gets the replies from now on; null: nobody, and no event may come.
  void SetHandler(ReplyHandler* handler) { handler_ = handler; }

  // Ends what is late or has been refused. REQUIRES: a handler.
  void EndLate(Time now);

  // Writes what is queued, unless a write is in flight: its end does that.
  void Flush();

  // When the next EndLate has something to do that no event tells of.
  Time NextDeadline() const;

  // Whether an operation is queued or in flight, or the stream is being opened.
  bool busy() const {
    return operations_.size() > 0 || state_ == State::kOpening || state_ == State::kEnding;
  }

  // Ends the stream for good. Operations in flight are forgotten.
  void Shutdown();
  // Whether it has no call under way.
  bool idle() const { return state_ == State::kClosed; }

 private:
  enum class State { kClosed, kOpening, kOpen, kEnding };

  void Open(Time now);
  void OnStarted(bool ok);
  void OnOpened(bool ok);
  void OnWritten(bool ok);
  void OnRead(bool ok);
  void OnFinished(bool ok);
  void Finish();
  void CloseIfOver();

  void NewMessage();
  void AddToMessage(uint64_t id, const Request& request);
  void RemoveFromMessage(const OperationTable::Entry& entry);
  void Expire(Time now);
  void EndRefused();
  void End(uint64_t id, const Reply& reply);
  bool Refuses(Time now) const;

  // Fixed after construction.
  const std::string name_;
  const TransportOptions* const options_;
  const std::chrono::nanoseconds timeout_;
  GrpcQueue* const queue_;
  const std::unique_ptr<v1::KeyValue::Stub> stub_;
  absl::BitGen random_;

  State state_ = State::kClosed;
  bool shut_down_ = false;
  bool writing_ = false;
  bool finished_ = false;
  int failures_ = 0;  // since it last had a result
  Time open_again_;
  Time open_deadline_;  // while it opens
  absl::Status last_failure_;
  ReplyHandler* handler_ = nullptr;

  OperationTable operations_;  // queued, or in flight
  std::vector<uint64_t> refused_;
  std::vector<uint64_t> cancelled_;  // to be told to the node

  // The message that is being filled, and the one that has come, each with all that is in it on an
  // arena.
  std::vector<char> outgoing_block_;
  std::vector<char> incoming_block_;
  google::protobuf::Arena outgoing_arena_;
  google::protobuf::Arena incoming_arena_;
  v1::StreamRequest* request_ = nullptr;
  v1::StreamResponse* response_ = nullptr;
  size_t request_bytes_ = 0;
  uint64_t message_number_ = 0;  // of `request_`

  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<v1::StreamRequest, v1::StreamResponse>> call_;
  grpc::Status status_;
  EventTag<TargetStream> started_tag_{this, &TargetStream::OnStarted};
  EventTag<TargetStream> opened_tag_{this, &TargetStream::OnOpened};
  EventTag<TargetStream> written_tag_{this, &TargetStream::OnWritten};
  EventTag<TargetStream> read_tag_{this, &TargetStream::OnRead};
  EventTag<TargetStream> finished_tag_{this, &TargetStream::OnFinished};
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_TARGET_STREAM_H_
