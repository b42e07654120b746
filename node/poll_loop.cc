#include "node/poll_loop.h"

#include <algorithm>
#include <ctime>
#include <limits>
#include <utility>

#include "glog/logging.h"
#include "grpc/support/time.h"

namespace quorate {
namespace {

constexpr int64_t kAwake = std::numeric_limits<int64_t>::min();

// So many events at most between two turns of the host.
constexpr int kMaxGathered = 256;

// The host is called this often even where nothing happens: no mistake in waking can last longer.
constexpr absl::Duration kMaxSleep = absl::Seconds(1);

gpr_timespec After(absl::Duration wait) {
  const int64_t micros = std::max<int64_t>(absl::ToInt64Microseconds(wait), 0);
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_micros(micros, GPR_TIMESPAN));
}

}  // namespace

MonotonicTime MonotonicNow() {
  timespec now = {};
  CHECK_EQ(clock_gettime(CLOCK_BOOTTIME, &now), 0);
  return absl::DurationFromTimespec(now);
}

PollLoop::PollLoop(std::unique_ptr<grpc::ServerCompletionQueue> queue, absl::Duration longest_spin)
    : queue_(std::move(queue)), spin_(longest_spin), sleeping_until_(kAwake) {}

PollLoop::~PollLoop() { CHECK(!thread_.joinable()) << "PollLoop::Shutdown is missing"; }

void PollLoop::Start(PollHost* host) {
  host_ = host;
  thread_ = std::thread([this] { Run(); });
}

void PollLoop::Wake() {
  if (wake_pending_.exchange(true)) return;
  wake_.Set(queue_.get(), gpr_time_0(GPR_CLOCK_MONOTONIC), woken_.tag());
}

void PollLoop::OnWoken(bool) { wake_pending_.store(false); }

void PollLoop::WakeIfLate() {
  const int64_t until = sleeping_until_.load();
  if (until != kAwake && absl::ToInt64Nanoseconds(host_->NextDeadline()) < until) Wake();
}

void PollLoop::Run() {
  loop_thread_.store(std::this_thread::get_id());
  while (true) {
    const MonotonicTime next = host_->OnGathered();
    EndIfFree();
    const MonotonicTime now = MonotonicNow();
    MonotonicTime until = std::min(next, now + kMaxSleep);
    // Another thread moves the deadline first and looks at sleeping_until_ then; this one does it
    // the other way round, so that at least one of them notices.
    sleeping_until_.store(absl::ToInt64Nanoseconds(until));
    until = std::min(until, host_->NextDeadline());
    void* tag = nullptr;
    bool ok = false;
    grpc::CompletionQueue::NextStatus status = LookFor(now, until, &tag, &ok);
    if (status == grpc::CompletionQueue::TIMEOUT) {
      status = queue_->AsyncNext(&tag, &ok, After(until - MonotonicNow()));
    }
    spin_.OnWaited(MonotonicNow() - now);
    sleeping_until_.store(kAwake);
    for (int gathered = 0; status == grpc::CompletionQueue::GOT_EVENT;) {
      static_cast<EventHandler*>(tag)->OnEvent(ok);
      if (++gathered == kMaxGathered) break;
      status = queue_->AsyncNext(&tag, &ok, gpr_time_0(GPR_CLOCK_MONOTONIC));
    }
    if (status == grpc::CompletionQueue::SHUTDOWN) return;
  }
}

grpc::CompletionQueue::NextStatus PollLoop::LookFor(MonotonicTime now, MonotonicTime until,
                                                    void** tag, bool* ok) {
  grpc::CompletionQueue::NextStatus status = grpc::CompletionQueue::TIMEOUT;
  const MonotonicTime end = std::min(until, now + spin_.limit());
  while (now < end) {
    status = queue_->AsyncNext(tag, ok, gpr_time_0(GPR_CLOCK_MONOTONIC));
    if (status != grpc::CompletionQueue::TIMEOUT) break;
    // Whoever else wants this processor comes first.
    std::this_thread::yield();
    now = MonotonicNow();
  }
  return status;
}

void PollLoop::OnStop(bool) { stopping_ = true; }

// On the loop's thread: nobody starts a call in between, or ever again.
void PollLoop::EndIfFree() {
  if (ended_ || !stopping_ || holds_ > 0) return;
  ended_ = true;
  queue_->Shutdown();
}

void PollLoop::Shutdown() {
  if (thread_.joinable()) {
    stop_.Set(queue_.get(), gpr_time_0(GPR_CLOCK_MONOTONIC), stopped_.tag());
    return thread_.join();
  }
  CHECK_EQ(holds_.load(), 0) << "calls without a thread to serve them";
  queue_->Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) LOG(FATAL) << "an event without a thread to take it";
}

}  // namespace quorate
