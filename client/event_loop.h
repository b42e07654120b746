// EventLoop: a gRPC completion queue, timers and posted work on one thread.
#ifndef QUORATE_CLIENT_EVENT_LOOP_H_
#define QUORATE_CLIENT_EVENT_LOOP_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "grpcpp/alarm.h"
#include "grpcpp/completion_queue.h"

#include "support/event_tag.h"
#include "support/mutex.h"

namespace quorate {

using SteadyTime = std::chrono::steady_clock::time_point;

// `time` + `delay`, which may be as long as it likes.
SteadyTime After(SteadyTime time, absl::Duration delay);

class EventLoopHost {
 public:
  virtual ~EventLoopHost() = default;
  // After each gathering of events.
  virtual void OnTurn() = 0;
  // Asked once the loop is to end: whether no call is on its queue any more.
  virtual bool Idle() const = 0;
};

// For the loop's thread, except where it says otherwise.
class EventLoop {
 public:
  using Work = absl::AnyInvocable<void()>;
  using TimerId = std::pair<SteadyTime, uint64_t>;

  EventLoop() = default;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Makes the calling thread the loop's, until End has been called, all that was posted has run and
  // `host` is idle, or the patience of End is over. Returns whether it is idle: otherwise the loop
  // and its host must never go away, since gRPC may still write to them. Once.
  bool Run(EventLoopHost* host) ABSL_LOCKS_EXCLUDED(mu_);
  // The loop ends as soon as it can. From then on only its own thread may post. Once.
  void End(absl::Duration patience);

  // Runs `work` soon. Does not block. The queue is not bounded here: who posts bounds what it has
  // posted. Thread-safe.
  void Post(Work work) ABSL_LOCKS_EXCLUDED(mu_);

  // Whether the caller is the loop's thread. Thread-safe.
  bool OnThread() const { return thread_.load() == std::this_thread::get_id(); }

  grpc::CompletionQueue* queue() { return &queue_; }

  // When the turn at hand began: what happens in one turn happens at one time.
  SteadyTime now() const { return now_; }

  // Runs `work` at `time`, or soon where that has passed.
  TimerId StartTimer(SteadyTime time, Work work);
  // A timer that has fired is ignored.
  void StopTimer(const TimerId& timer) { timers_.erase(timer); }

 private:
  void RunPosted() ABSL_LOCKS_EXCLUDED(mu_);
  bool HasPosted() ABSL_LOCKS_EXCLUDED(mu_);
  void RunDueTimers();
  void Gather();
  void OnWoken(bool) { wake_pending_ = false; }

  grpc::CompletionQueue queue_;
  grpc::Alarm wake_;  // set only by whoever turned wake_pending_ on
  EventTag<EventLoop> woken_{this, &EventLoop::OnWoken};
  std::atomic<bool> wake_pending_{false};
  std::atomic<std::thread::id> thread_{std::thread::id()};

  SteadyTime now_;
  bool ending_ = false;
  bool patient_ = true;  // while ending
  uint64_t last_timer_ = 0;
  absl::btree_map<TimerId, Work> timers_;

  Mutex mu_;
  std::vector<Work> posted_ ABSL_GUARDED_BY(mu_);
};

}  // namespace quorate

#endif  // QUORATE_CLIENT_EVENT_LOOP_H_
