// Runner: decides what is sent when, and records what comes back.
//
// Open loop: every operation is sent when it is due, however slow the answers are. One that finds
// no room in flight waits, with its response time running; where too many wait it is missed, and
// counted. Closed loop: a fixed number of sessions, each of which sends its next operation when the
// last one has ended; such a loop sees too few of the slow operations, so its figures are for
// throughput.
//
// Some operations follow from others: the write of a pair is due when its read has ended. And a key
// that is inserted is read once its insert is acknowledged.
//
// A run has phases (run_stats.h). What is still under way when the load phase, the ramp or the
// warm-up is over is waited for before the next phase begins.
//
//   Runner runner(options, &sender, clock, {&observer});
//   while (!runner.Done()) {
//     runner.Advance();
//     ... let the sender deliver replies to `runner`, at most until runner.NextWake() ...
//   }
//
// The runner knows no sockets and no clock of its own, so tests drive it through virtual time.
//
// Not thread-safe: belongs to one thread.
#ifndef QUORATE_LOADGEN_RUNNER_H_
#define QUORATE_LOADGEN_RUNNER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "loadgen/key_frontier.h"
#include "loadgen/observer.h"
#include "loadgen/reply_checks.h"
#include "loadgen/run_stats.h"
#include "loadgen/schedule.h"
#include "loadgen/transport.h"
#include "loadgen/workload.h"

namespace quorate::loadgen {

struct RunnerOptions {
  WorkloadOptions workload;
  bool local_reads = false;  // of what each target alone holds

  // Open loop.
  double operations_per_second = 1;  // > 0
  Spacing spacing = Spacing::kEven;
  size_t max_waiting = 10000;  // operations; more are missed

  // Closed loop, where greater than 0: so many operations in flight.
  size_t closed_loop = 0;

  // Phases; those of length 0 are left out. A ramp is only for an open loop.
  bool load_keys = false;  // write every key once, before all else
  size_t load_in_flight = 64;
  Nanos ramp = 0;
  Nanos warm_up = 0;
  Nanos measured = 0;  // > 0

  // What still waits for room so long after the end of its phase is missed.
  Nanos drop_waiting_after = 3 * kNanosPerSecond;
};

class Runner : public ReplyHandler {
 public:
  static constexpr Nanos kNever = std::numeric_limits<Nanos>::max();

  // All pointers must outlive the runner. `clock` tells the time since the run's start, at which
  // the first phase begins. `values` may be null: those of the workload then.
  Runner(const RunnerOptions& options, OperationSender* sender, std::function<Nanos()> clock,
         std::vector<Observer*> observers = {}, ValueMaker* values = nullptr);
  ~Runner() override;

  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Whether everything is over: nothing is due, waits or is in flight.
  bool Done() const { return phase_ == Phase::kDone; }

  // When Advance must be called next if no reply comes before; kNever where only replies matter.
  Nanos NextWake() const;

  // Does what is to be done by now: begins phases, sends what is due or lets it wait. Sends a
  // limited number of operations, so that replies have their turn.
  void Advance();

  // ReplyHandler.
  void OnReply(uint64_t tag, const Reply& reply) override;

  // Ends the schedule now: what is not due yet will not be sent, and the window ends. What is in
  // flight is waited for.
  void Stop();

  // What was measured so far.
  const RunStats& stats() const { return stats_; }
  const Workload& workload() const { return workload_; }

  // What happened since the last call, or since the start.
  IntervalStats TakeInterval();

 private:
  bool ClosedLoop() const { return phase_ == Phase::kLoad || options_.closed_loop > 0; }
  bool Issuing() const { return !settling_ && phase_ < Phase::kDrain; }
  bool Idle() const { return waiting_count_ == 0 && in_flight_count_ == 0; }
  bool CanIssueNow() const;
  bool InWindow(Nanos time) const;

  void Begin(Phase phase, Nanos now);
  void BeginNext(Nanos now);
  void EndSchedule(Nanos now);
  bool Exhausted() const;
  int IssueOpen(Nanos now);
  int IssueClosed(Nanos now);
  PlannedOperation NextClosed(Nanos now);
  PlannedOperation Next(Nanos due);
  void GoOn(const SentOperation& operation, const Reply& reply, Nanos now);
  void Issue(const PlannedOperation& operation);
  void Enqueue(const PlannedOperation& operation);
  void SendWaiting(size_t target);
  void DropWaiting();
  void GiveUp(const PlannedOperation& operation);
  bool Measured(const PlannedOperation& operation) const;
  void Send(const PlannedOperation& operation);
  uint32_t TakeSession();
  void Record(const SentOperation& operation, Nanos ended, const Reply& reply);
  void RecordFailure(OperationStats* stats, const SentOperation& operation, Nanos ended,
                     const Reply& reply);
  void RecordLoad(const Reply& reply);
  void CountMessage(absl::string_view message);

  // Fixed after construction.
  const RunnerOptions options_;
  const Workload workload_;
  OperationSender* const sender_;
  const std::function<Nanos()> clock_;
  const std::unique_ptr<ValueMaker> own_values_;
  ValueMaker* const values_;
  ReplyChecks checks_;
  const std::vector<Observer*> observers_;

  // The phase at hand.
  Phase phase_ = Phase::kLoad;
  Nanos phase_start_ = 0;
  Nanos phase_end_ = 0;    // of what is due in it
  bool settling_ = false;  // nothing more is due in it
  bool stopped_ = false;   // there is no phase after it but drain
  Nanos drop_waiting_at_ = kNever;
  Schedule schedule_;

  uint64_t next_index_ = 0;
  size_t loaded_keys_ = 0;  // issued
  KeyFrontier frontier_;
  std::vector<SentOperation> sessions_;
  std::vector<uint32_t> free_sessions_;
  size_t in_flight_count_ = 0;
  std::vector<std::deque<PlannedOperation>> waiting_;  // by target
  size_t waiting_count_ = 0;
  std::deque<Nanos> resting_;  // until when sessions of a closed loop rest after a failure

  // Reused.
  std::string key_;
  std::string value_;

  RunStats stats_;
  IntervalStats interval_;
  CheckCounts checks_before_interval_;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_RUNNER_H_
