#include "loadgen/grpc_queue.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <sys/timerfd.h>
#include <unistd.h>

#include "glog/logging.h"
#include "grpc/support/time.h"

namespace quorate::loadgen {
namespace {

using std::chrono::nanoseconds;

// So many events at most in one Wait.
constexpr int kMaxEvents = 256;

// A shorter wait is not worth another thread's help.
constexpr nanoseconds kShortWait = std::chrono::microseconds(30);

// In case the waker is late.
constexpr nanoseconds kSlack = std::chrono::milliseconds(2);

constexpr nanoseconds kMaxWait = std::chrono::seconds(10);

gpr_timespec In(nanoseconds wait) {
  if (wait <= nanoseconds(0)) return gpr_time_0(GPR_CLOCK_MONOTONIC);
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_nanos(wait.count(), GPR_TIMESPAN));
}

}  // namespace

GrpcQueue::GrpcQueue() : timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {
  PCHECK(timer_ >= 0) << "timerfd_create";
  waker_ = std::thread([this] { RunWaker(); });
}

GrpcQueue::~GrpcQueue() {
  ending_ = true;
  wakes_at_.reset();
  WakeAt(std::chrono::steady_clock::now());
  waker_.join();
  close(timer_);
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) static_cast<EventHandler*>(tag)->OnEvent(ok);  // a wake at most
}

bool GrpcQueue::Next(Time until, void** tag, bool* ok) {
  const gpr_timespec now = gpr_time_0(GPR_CLOCK_MONOTONIC);
  const nanoseconds wait =
      std::min<nanoseconds>(until - std::chrono::steady_clock::now(), kMaxWait);
  if (queue_.AsyncNext(tag, ok, now) == grpc::CompletionQueue::GOT_EVENT) return true;
  if (wait <= nanoseconds(0)) return false;
  if (wait < kShortWait) {
    std::this_thread::sleep_for(wait);
    return queue_.AsyncNext(tag, ok, now) == grpc::CompletionQueue::GOT_EVENT;
  }
  WakeAt(until);
  return queue_.AsyncNext(tag, ok, In(wait + kSlack)) == grpc::CompletionQueue::GOT_EVENT;
}

void GrpcQueue::Wait(Time until) {
  void* tag = nullptr;
  bool ok = false;
  bool got = Next(until, &tag, &ok);
  for (int events = 1; got; ++events) {
    static_cast<EventHandler*>(tag)->OnEvent(ok);
    if (events == kMaxEvents) return;
    got = queue_.AsyncNext(&tag, &ok, gpr_time_0(GPR_CLOCK_MONOTONIC)) ==
          grpc::CompletionQueue::GOT_EVENT;
  }
}

void GrpcQueue::SleepThenHandle(Time until) {
  const Time now = std::chrono::steady_clock::now();
  if (until > now) std::this_thread::sleep_for(std::min<nanoseconds>(until - now, kMaxWait));
  Wait(Time());
}

// A timer that is set for this time already stays: setting it costs a system call.
void GrpcQueue::WakeAt(Time time) {
  if (wakes_at_ == time) return;
  wakes_at_ = time;
  const nanoseconds at = std::max(time.time_since_epoch(), nanoseconds(1));
  itimerspec setting{};
  setting.it_value.tv_sec = at.count() / 1'000'000'000;
  setting.it_value.tv_nsec = at.count() % 1'000'000'000;
  PCHECK(timerfd_settime(timer_, TFD_TIMER_ABSTIME, &setting, nullptr) == 0);
}

void GrpcQueue::RunWaker() {
  while (true) {
    uint64_t expirations = 0;
    const ssize_t got = read(timer_, &expirations, sizeof(expirations));
    PCHECK(got == sizeof(expirations) || errno == EINTR) << "timer";
    if (ending_) return;
    if (got != sizeof(expirations) || wake_pending_.exchange(true)) continue;
    wake_.Set(&queue_, gpr_time_0(GPR_CLOCK_MONOTONIC), woken_.tag());
  }
}

}  // namespace quorate::loadgen
