// RunStats: what a run has measured. Only operations that were due while it was measured count;
// those that end later than the schedule count too.
//
// Values: thread-compatible.
#ifndef QUORATE_LOADGEN_RUN_STATS_H_
#define QUORATE_LOADGEN_RUN_STATS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "loadgen/latency_histogram.h"
#include "loadgen/workload.h"

namespace quorate::loadgen {

enum class Phase {
  kLoad,     // every key is written once
  kRamp,     // the rate grows
  kWarmUp,   // as when measured, but not counted
  kMeasure,  // what is due now counts
  kDrain,    // nothing is due any more; what is in flight or waits still counts
  kDone,
};

// Response time counts from when the operation was due, so that waiting in the generator is part of
// it; service time from when it was sent.
struct LatencyPair {
  LatencyHistogram response;
  LatencyHistogram service;
};

struct OperationStats {
  uint64_t ok = 0;         // a read that found nothing is among them
  uint64_t failed = 0;     // reads: no answer; writes: nothing was written
  uint64_t unknown = 0;    // writes: may have been written, or may still be
  uint64_t timed_out = 0;  // of the failed and the unknown ones
  // Of the successful ones.
  LatencyHistogram response;
  LatencyHistogram service;
  // Of the others, each until it was known to have failed: one that has timed out, until its time
  // was over.
  LatencyPair failed_latency;
  LatencyPair unknown_latency;
};

// Whether so much of an interval lies outside of the measured time that it does not stand for it.
// Phases wait for answers, so seconds do not begin just when the measured time does.
bool IsMoreThanALittle(Nanos outside, Nanos interval);

// What happened within one interval, of about a second, whatever the phase.
struct IntervalStats {
  Phase phase = Phase::kMeasure;  // at its end
  bool warm_up = false;           // more than a little of it lies before what is measured
  Nanos from = 0;
  Nanos to = 0;
  uint64_t offered = 0;  // were due
  uint64_t sent = 0;
  uint64_t ended = 0;
  uint64_t reads_ok = 0;
  uint64_t writes_ok = 0;
  uint64_t failed = 0;  // the unknown ones not among them
  uint64_t unknown = 0;
  uint64_t timed_out = 0;  // of the failed and the unknown ones
  uint64_t waited = 0;
  uint64_t missed = 0;
  uint64_t absent = 0;
  uint64_t wrong = 0;
  uint64_t stale = 0;
  size_t in_flight = 0;  // at its end
  size_t waiting = 0;    // at its end
  // Of the successful ones that ended.
  LatencyHistogram response;
  LatencyHistogram service;
  // Of those that were sent.
  LatencyHistogram send_lag;
};

// An interval, without its histograms: small enough to keep one for each second of a day.
struct IntervalSummary {
  explicit IntervalSummary(const IntervalStats& interval);

  struct Latency {
    Nanos p50 = 0;
    Nanos p99 = 0;
    Nanos max = 0;
  };

  Phase phase;
  bool warm_up;
  Nanos from;
  Nanos to;
  uint64_t offered, sent, ended, reads_ok, writes_ok, failed, unknown, timed_out;
  uint64_t waited, missed, absent, wrong, stale;
  uint64_t in_flight, waiting;
  Latency response, service, send_lag;
};

struct PhaseSpan {
  Phase phase = Phase::kMeasure;
  Nanos start = 0;
  Nanos end = 0;
};

struct RunStats {
  OperationStats reads;
  OperationStats writes;
  LatencyHistogram send_lag;  // from due to sent, of all that were sent
  // Response times of reads and the writes that followed from them, each pair as one; its parts are
  // among `reads` and `writes`.
  LatencyHistogram read_modify_writes;

  // Operations in flight of a closed loop, which sees too few of the slow ones; 0: an open loop.
  size_t closed_loop = 0;

  uint64_t scheduled = 0;
  uint64_t waited = 0;  // found no room in flight when they were due
  uint64_t missed = 0;  // never sent
  // Operations, whenever due, that ended while the measured ones were due.
  uint64_t ended_in_window = 0;
  uint64_t ok_in_window = 0;      // of these
  uint64_t in_flight_at_end = 0;  // of the window
  Nanos window_start = 0;
  Nanos window = 0;

  uint64_t absent_reads = 0;  // found no value
  uint64_t wrong_values = 0;  // found a value that belongs to another key
  uint64_t stale_reads = 0;

  // Writes of the load phase, which are not among `writes`.
  uint64_t loaded = 0;
  uint64_t load_failures = 0;  // the unknown ones among them

  // Why operations failed: how often by message. At most a few messages are told apart.
  std::map<std::string, uint64_t> failures;

  std::vector<PhaseSpan> phases;  // in the order in which they began
};

// "load", "ramp", "warm-up", "measure", "drain" or "done".
const char* ToString(Phase phase);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_RUN_STATS_H_
