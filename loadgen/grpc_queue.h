// GrpcQueue: a gRPC completion queue on one thread that also wakes at exact times.
//
//   GrpcQueue queue;
//   call->Read(&message, tag.tag());      // tags are EventHandlers
//   queue.Wait(std::chrono::steady_clock::now() + 200us);
//
// gRPC itself rounds deadlines up to milliseconds, which is as long as many answers take. So a
// thread of the queue's own sleeps on a kernel timer and wakes gRPC when it is over.
//
// Not thread-safe: belongs to one thread.
#ifndef QUORATE_LOADGEN_GRPC_QUEUE_H_
#define QUORATE_LOADGEN_GRPC_QUEUE_H_

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "grpcpp/alarm.h"
#include "grpcpp/completion_queue.h"

#include "support/event_tag.h"

namespace quorate::loadgen {

class GrpcQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;

  GrpcQueue();
  // REQUIRES: no call is on the queue any more.
  ~GrpcQueue();

  GrpcQueue(const GrpcQueue&) = delete;
  GrpcQueue& operator=(const GrpcQueue&) = delete;

  grpc::CompletionQueue* queue() { return &queue_; }

  // Handles events: those that are there, or else the first ones until `until`. Returns then, or
  // earlier once there were some, and after a limited number of them.
  void Wait(Time until);

  // The same where no event is worth waking for: sleeps until `until`, then handles what is there.
  // Costs half as much, since no other thread has to help.
  void SleepThenHandle(Time until);

 private:
  bool Next(Time until, void** tag, bool* ok);
  void WakeAt(Time time);
  void RunWaker();
  void OnWoken(bool) { wake_pending_ = false; }

  grpc::CompletionQueue queue_;
  grpc::Alarm wake_;  // set only by whoever turned wake_pending_ on
  EventTag<GrpcQueue> woken_{this, &GrpcQueue::OnWoken};
  std::atomic<bool> wake_pending_{false};
  std::atomic<bool> ending_{false};

  const int timer_;  // a file descriptor
  std::optional<Time> wakes_at_;
  std::thread waker_;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_GRPC_QUEUE_H_
