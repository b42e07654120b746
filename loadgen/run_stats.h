// RunStats: what a run has measured. Only operations that were due after the warm-up count; those
// that end later than the schedule count too.
//
// Values: thread-compatible.
#ifndef QUORATE_LOADGEN_RUN_STATS_H_
#define QUORATE_LOADGEN_RUN_STATS_H_

#include <cstdint>
#include <map>
#include <string>

#include "loadgen/latency_histogram.h"
#include "loadgen/workload.h"

namespace quorate::loadgen {

struct OperationStats {
  uint64_t ok = 0;       // a read that found nothing is among them
  uint64_t failed = 0;   // reads: no answer; writes: nothing was written
  uint64_t unknown = 0;  // writes: may have been written, or may still be
  // Of the successful ones. Response time counts from when the operation was due, so that waiting
  // in the generator is part of it; service time from when it was sent.
  LatencyHistogram response;
  LatencyHistogram service;
};

struct RunStats {
  OperationStats reads;
  OperationStats writes;
  LatencyHistogram send_lag;  // from due to sent, of all that were sent

  uint64_t scheduled = 0;
  uint64_t waited = 0;  // found no free connection when they were due
  uint64_t missed = 0;  // never sent
  // Operations, whenever due, that ended while the measured ones were due.
  uint64_t ended_in_window = 0;
  Nanos window = 0;

  uint64_t absent_reads = 0;  // found no value
  uint64_t wrong_values = 0;  // found a value that belongs to another key
  uint64_t stale_reads = 0;

  // Why operations failed: how often by message. At most a few messages are told apart.
  std::map<std::string, uint64_t> failures;
};

// What ended within one interval of the live display.
struct IntervalStats {
  bool warm_up = false;
  Nanos from = 0;
  Nanos to = 0;
  uint64_t ended = 0;
  uint64_t failed = 0;  // the unknown ones among them
  uint64_t stale = 0;
  LatencyHistogram response;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_RUN_STATS_H_
