#include "client/event_loop.h"

#include <algorithm>

#include "grpc/support/time.h"

namespace quorate {
namespace {

// So many events at most between two turns of the host.
constexpr int kMaxGathered = 256;

constexpr std::chrono::nanoseconds kMaxSleep = std::chrono::seconds(10);

gpr_timespec In(std::chrono::nanoseconds wait) {
  const int64_t nanos = std::max<int64_t>(wait.count(), 0);
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(nanos, GPR_TIMESPAN));
}

}  // namespace

SteadyTime After(SteadyTime time, absl::Duration delay) {
  return time +
         absl::ToChronoNanoseconds(std::clamp(delay, absl::ZeroDuration(), absl::Hours(24 * 365)));
}

void EventLoop::Post(Work work) {
  MutexLock lock(&mu_);
  posted_.push_back(std::move(work));
  // On its own thread the loop looks at what was posted before it sleeps.
  if (OnThread() || wake_pending_.exchange(true)) return;
  // Under the lock, since this work may be the one that ends the loop, and its queue with it.
  wake_.Set(&queue_, gpr_time_0(GPR_CLOCK_MONOTONIC), woken_.tag());
}

EventLoop::TimerId EventLoop::StartTimer(SteadyTime time, Work work) {
  const TimerId id{time, ++last_timer_};
  timers_.emplace(id, std::move(work));
  return id;
}

void EventLoop::End(absl::Duration patience) {
  ending_ = true;
  StartTimer(After(now_, patience), [this] { patient_ = false; });
}

bool EventLoop::Run(EventLoopHost* host) {
  thread_ = std::this_thread::get_id();
  while (true) {
    now_ = std::chrono::steady_clock::now();
    RunPosted();
    RunDueTimers();
    host->OnTurn();
    if (ending_ && !HasPosted()) {
      if (host->Idle()) break;
      if (!patient_) return false;
    }
    Gather();
  }
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) static_cast<EventHandler*>(tag)->OnEvent(ok);  // a wake at most
  return true;
}

void EventLoop::RunPosted() {
  std::vector<Work> posted;
  {
    MutexLock lock(&mu_);
    posted.swap(posted_);
  }
  for (Work& work : posted) work();
}

bool EventLoop::HasPosted() {
  MutexLock lock(&mu_);
  return !posted_.empty();
}

void EventLoop::RunDueTimers() {
  while (!timers_.empty() && timers_.begin()->first.first <= now_) {
    Work work = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    work();
  }
}

void EventLoop::Gather() {
  std::chrono::nanoseconds wait = kMaxSleep;
  if (!timers_.empty()) {
    wait = std::min(wait, std::chrono::nanoseconds(timers_.begin()->first.first -
                                                   std::chrono::steady_clock::now()));
  }
  if (HasPosted()) wait = std::chrono::nanoseconds(0);
  void* tag = nullptr;
  bool ok = false;
  auto status = queue_.AsyncNext(&tag, &ok, In(wait));
  now_ = std::chrono::steady_clock::now();
  for (int gathered = 0; status == grpc::CompletionQueue::GOT_EVENT;) {
    static_cast<EventHandler*>(tag)->OnEvent(ok);
    if (++gathered == kMaxGathered) return;
    status = queue_.AsyncNext(&tag, &ok, gpr_time_0(GPR_CLOCK_MONOTONIC));
  }
}

}  // namespace quorate
