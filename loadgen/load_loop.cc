#include "loadgen/load_loop.h"

#include <algorithm>
#include <csignal>
#include <sys/prctl.h>
#include <utility>

#include "glog/logging.h"

namespace quorate::loadgen {
namespace {

// How soon a signal is noticed.
constexpr Nanos kLookInterval = kNanosPerSecond / 20;

volatile std::sig_atomic_t asked_to_end = 0;

void OnSignal(int) { asked_to_end = 1; }

// Notes SIGINT and SIGTERM while it lives, instead of what they did before.
class SignalWatch {
 public:
  SignalWatch() {
    asked_to_end = 0;
    struct sigaction action {};
    action.sa_handler = OnSignal;
    PCHECK(sigaction(SIGINT, &action, &before_interrupt_) == 0);
    PCHECK(sigaction(SIGTERM, &action, &before_terminate_) == 0);
  }
  ~SignalWatch() { End(); }

  void End() {
    if (std::exchange(ended_, true)) return;
    sigaction(SIGINT, &before_interrupt_, nullptr);
    sigaction(SIGTERM, &before_terminate_, nullptr);
  }

 private:
  bool ended_ = false;
  struct sigaction before_interrupt_ {};
  struct sigaction before_terminate_ {};
};

}  // namespace

LoadLoop::LoadLoop(const RunnerOptions& options, Transport* transport,
                   std::vector<Observer*> observers, ValueMaker* values)
    : transport_(transport),
      start_(std::chrono::steady_clock::now()),
      runner_(
          options, transport, [this] { return Now(); }, std::move(observers), values) {}

const RunStats& LoadLoop::Run(const std::function<void(const IntervalStats&)>& on_second) {
  SignalWatch signals;
  // By default the kernel lets a sleeper lie for up to 50 us more.
  prctl(PR_SET_TIMERSLACK, 1);
  Nanos next_second = kNanosPerSecond;
  Nanos next_look = kLookInterval;
  start_ = std::chrono::steady_clock::now();
  runner_.TakeInterval();  // begins the first one now
  while (true) {
    runner_.Advance();
    if (runner_.Done()) break;
    const Nanos now = Now();
    if (now >= next_second) {
      on_second(runner_.TakeInterval());
      next_second += kNanosPerSecond * ((now - next_second) / kNanosPerSecond + 1);
    }
    if (now >= next_look) {
      next_look += kLookInterval * ((now - next_look) / kLookInterval + 1);
      if (asked_to_end != 0 && !std::exchange(interrupted_, true)) {
        runner_.Stop();
        signals.End();
        continue;
      }
    }
    const Nanos wake = std::min({runner_.NextWake(), next_second, next_look});
    transport_->Poll(start_ + std::chrono::nanoseconds(wake), &runner_);
  }
  on_second(runner_.TakeInterval());  // the last, perhaps a short one
  return runner_.stats();
}

Nanos LoadLoop::Now() const {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now() - start_).count();
}

}  // namespace quorate::loadgen
