// EventQueue: virtual time. What is due runs in order of time; what is due at the same time runs in
// an order drawn from the seed, after what is done to the cluster from outside. Time jumps from one
// event to the next.
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

  // The same for what clients and faults do. Among these the lower rank runs first, then what was
  // asked for first; no order of the others depends on them. So a run goes the same way whether its
  // outside is planned as it goes on or known in advance.
  void OutsideAt(MonotonicTime at, uint64_t rank, std::function<void()> event);

  // Runs the next event. False where there is none.
  bool RunNext();

  // Runs events until `done` (asked after each) or until nothing is due before `deadline`, where
  // time then stands. Returns done().
  bool RunUntil(const std::function<bool()>& done, MonotonicTime deadline);

 private:
  // Small, since a heap moves what it holds again and again.
  struct Due {
    MonotonicTime at;
    uint32_t event = 0;  // in events_
    uint64_t tie = 0;    // outside: the rank
    uint64_t sequence = 0;
    bool inside = true;
  };

  void Push(Due due, std::function<void()> event);
  static bool Later(const Due& a, const Due& b);

  MomentRng ties_;
  MonotonicTime now_;
  uint64_t last_sequence_ = 0;
  std::vector<Due> heap_;
  std::vector<std::function<void()>> events_;
  std::vector<uint32_t> free_;  // of events_
};

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_EVENT_QUEUE_H_
