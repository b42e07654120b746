// PollLoop: a node's one gRPC completion queue and the one thread that serves it.
//
// The thread takes all events that are there, lets its host work (run the strand once, look at
// timers), and sleeps until the next event or until the host wants to be called again.
#ifndef QUORATE_NODE_POLL_LOOP_H_
#define QUORATE_NODE_POLL_LOOP_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "absl/time/time.h"
#include "grpcpp/alarm.h"
#include "grpcpp/completion_queue.h"

#include "node/idle_spin.h"
#include "replication/env.h"
#include "support/event_tag.h"

namespace quorate {

// The time since this machine was started, times included in which it was suspended: what a node
// has heard from others is old afterwards, and must not count as fresh.
MonotonicTime MonotonicNow();

class PollHost {
 public:
  virtual ~PollHost() = default;
  // On the poll thread, after each gathering of events. Returns the time at which it must be called
  // again at the latest; one that has passed lets the loop only look for events, without sleeping.
  virtual MonotonicTime OnGathered() = 0;
  // The earliest time at which OnGathered must be called, which other threads may move forward
  // while the loop goes to sleep. Thread-safe.
  virtual MonotonicTime NextDeadline() const = 0;
};

class PollLoop {
 public:
  // `longest_spin`: for how long at most the thread looks for events before it sleeps (IdleSpin).
  explicit PollLoop(std::unique_ptr<grpc::ServerCompletionQueue> queue,
                    absl::Duration longest_spin = absl::ZeroDuration());

  // Shutdown must have ended.
  ~PollLoop();

  PollLoop(const PollLoop&) = delete;
  PollLoop& operator=(const PollLoop&) = delete;

  // Starts the thread. `host` must outlive it.
  void Start(PollHost* host);

  grpc::ServerCompletionQueue* queue() { return queue_.get(); }

  // Whether the caller is the loop's thread. Thread-safe.
  bool OnLoopThread() const { return loop_thread_.load() == std::this_thread::get_id(); }

  // Makes the thread call its host soon. Thread-safe; not after Shutdown.
  void Wake();

  // Wakes the thread if it sleeps beyond the host's NextDeadline. Thread-safe; not after Shutdown.
  void WakeIfLate();

  // Ends the thread once nothing holds the loop any more: whoever started calls must have seen to
  // their end, and the server on the queue must have been shut down. Blocks until then.
  void Shutdown();

  // Keeps the loop going, and with it the queue: every object that starts calls on the queue has
  // one for as long as it lives. Thread-safe.
  class Hold {
   public:
    explicit Hold(PollLoop* loop) : loop_(loop) { loop_->holds_.fetch_add(1); }
    ~Hold() { loop_->holds_.fetch_sub(1); }

    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    PollLoop* const loop_;
  };

 private:
  void Run();
  // Looks for an event without sleeping, for as long as IdleSpin says.
  grpc::CompletionQueue::NextStatus LookFor(MonotonicTime now, MonotonicTime until, void** tag,
                                            bool* ok);
  void OnWoken(bool ok);
  void OnStop(bool ok);
  void EndIfFree();

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  PollHost* host_ = nullptr;
  EventTag<PollLoop> woken_{this, &PollLoop::OnWoken};
  // Set only by whoever turned wake_pending_ on.
  grpc::Alarm wake_;
  std::atomic<bool> wake_pending_{false};
  grpc::Alarm stop_;
  EventTag<PollLoop> stopped_{this, &PollLoop::OnStop};
  std::atomic<int> holds_{0};
  IdleSpin spin_;          // of the thread
  bool stopping_ = false;  // of the thread
  bool ended_ = false;     // of the thread
  std::atomic<std::thread::id> loop_thread_{std::thread::id()};
  // Until when the thread sleeps, in nanoseconds of the monotonic clock; kAwake where it does not.
  std::atomic<int64_t> sleeping_until_;
  std::thread thread_;
};

}  // namespace quorate

#endif  // QUORATE_NODE_POLL_LOOP_H_
