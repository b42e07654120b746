// EventQueue: virtual time. What is due runs in order of time; what is due at the same time runs in
// an order drawn from the seed. Time jumps from one event to the next.
//
// Not thread-safe.
#ifndef QUORATE_TESTS_SIM_EVENT_QUEUE_H_
#define QUORATE_TESTS_SIM_EVENT_QUEUE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/time/time.h"

#include "replication/env.h"
#include "tests/sim/sim_rng.h"

namespace quorate::sim {

class EventQueue {
 public:
  explicit EventQueue(SimRng ties) : ties_(ties) {}

  MonotonicTime Now() const { return now_; }

  // Runs `event` at `at`, or at the present moment if that is past.
  void At(MonotonicTime at, std::function<void()> event);
  void After(absl::Duration delay, std::function<void()> event) {
    At(now_ + delay, std::move(event));
  }

  // Runs the next event. False where there is none.
  bool RunNext();

  // Runs events until `done` (asked after each) or until nothing is due before `deadline`, where
  // time then stands. Returns done().
  bool RunUntil(const std::function<bool()>& done, MonotonicTime deadline);

 private:
  struct Event {
    MonotonicTime at;
    uint64_t tie = 0;
    uint64_t sequence = 0;
    std::function<void()> run;
  };

  static bool Later(const Event& a, const Event& b);

  SimRng ties_;
  MonotonicTime now_;
  uint64_t last_sequence_ = 0;
  std::vector<Event> heap_;
};

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_EVENT_QUEUE_H_
