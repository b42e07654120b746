// Runner: the open loop. It sends every operation of a workload when it is due, however slow the
// answers are, and records what comes back.
//
// An operation that finds no free connection waits, with its response time running; where too many
// wait it is missed, and counted. The runner knows no sockets and no clock of its own, so tests
// drive it through virtual time.
//
// Not thread-safe: belongs to one thread.
#ifndef QUORATE_LOADGEN_RUNNER_H_
#define QUORATE_LOADGEN_RUNNER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "client/rest_reply.h"
#include "loadgen/run_stats.h"
#include "loadgen/staleness.h"
#include "loadgen/workload.h"

namespace quorate::loadgen {

// Takes operations to their target.
class OperationSender {
 public:
  using Callback = std::function<void(RestResult)>;

  virtual ~OperationSender() = default;

  // Whether one more operation may go to the target now.
  virtual bool HasRoom(size_t target) const = 0;

  // REQUIRES: HasRoom(operation.target). Must not block; calls `callback` once, after it has
  // returned, and within a bounded time.
  virtual void Send(const PlannedOperation& operation, Callback callback) = 0;
};

struct RunnerOptions {
  WorkloadOptions workload;
  Nanos warm_up = 0;           // operations due earlier are sent but not counted
  Nanos measured = 0;          // > 0
  size_t max_waiting = 10000;  // operations; more are missed
};

class Runner {
 public:
  static constexpr Nanos kNever = std::numeric_limits<Nanos>::max();

  // `sender` must outlive the runner. `clock` tells the time since the run's start.
  Runner(const RunnerOptions& options, OperationSender* sender, std::function<Nanos()> clock);

  // When SendDue must be called next; kNever once the schedule is over.
  Nanos NextDue() const;

  // Sends, or lets wait, all that is due.
  void SendDue();

  // Ends the schedule now: what is not due yet will not be sent. The window ends now as well.
  void Stop();

  // Operations that wait are missed from now on; those in flight are still waited for.
  void DropWaiting();

  // Nothing waits or is in flight.
  bool Idle() const { return waiting_count_ == 0 && in_flight_ == 0; }

  const RunStats& stats() const { return stats_; }
  const Workload& workload() const { return workload_; }

  // What ended since the last call, or since the start.
  IntervalStats TakeInterval();

 private:
  struct InFlight {
    PlannedOperation operation;
    Nanos sent = 0;
    uint64_t floor = 0;  // reads: see StalenessTracker
  };

  bool Measured(const PlannedOperation& operation) const;
  void Enqueue(const PlannedOperation& operation);
  void Send(const PlannedOperation& operation);
  void OnResult(const InFlight& in_flight, const RestResult& result);
  void RecordRead(const InFlight& in_flight, const RestResult& result);
  void RecordFailure(const RestResult& result);

  // Fixed after construction.
  const Workload workload_;
  const Nanos warm_up_;
  const size_t max_waiting_;
  OperationSender* const sender_;
  const std::function<Nanos()> clock_;

  Nanos end_;  // of the schedule
  uint64_t next_index_ = 0;
  StalenessTracker staleness_;
  std::vector<std::deque<PlannedOperation>> waiting_;  // by target
  size_t waiting_count_ = 0;
  size_t in_flight_ = 0;
  RunStats stats_;
  IntervalStats interval_;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_RUNNER_H_
