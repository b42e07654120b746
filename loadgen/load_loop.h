// LoadLoop: runs a load in real time: a Runner over a Transport.
//
//   LoadLoop loop(runner_options, transport.get(), {&staleness, &history});
//   const RunStats& stats = loop.Run([](const IntervalStats& second) { ... });
//
// Not thread-safe: one thread does everything.
#ifndef QUORATE_LOADGEN_LOAD_LOOP_H_
#define QUORATE_LOADGEN_LOAD_LOOP_H_

#include <chrono>
#include <functional>
#include <vector>

#include "loadgen/observer.h"
#include "loadgen/runner.h"
#include "loadgen/transport.h"

namespace quorate::loadgen {

class LoadLoop {
 public:
  // All pointers must outlive the loop; `values` may be null. Nothing may be in flight.
  LoadLoop(const RunnerOptions& options, Transport* transport,
           std::vector<Observer*> observers = {}, ValueMaker* values = nullptr);

  // Blocks for all phases, and for what is then still under way: at most for the time that waiting
  // operations have, and that of an operation. `on_second` is called each second and at the end; it
  // must be quick: the load waits for it. SIGINT or SIGTERM ends the schedule early; a second one
  // ends the process. Call once.
  const RunStats& Run(const std::function<void(const IntervalStats&)>& on_second);

  bool interrupted() const { return interrupted_; }
  const Workload& workload() const { return runner_.workload(); }

 private:
  Nanos Now() const;

  Transport* const transport_;
  std::chrono::steady_clock::time_point start_;
  bool interrupted_ = false;
  Runner runner_;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_LOAD_LOOP_H_
