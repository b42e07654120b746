// Summary: the first lines of a report: latencies of writes and reads, stale reads, and the gaps
// between reads and writes.
//
// Pure functions: thread-safe.
#ifndef QUORATE_LOADGEN_SUMMARY_H_
#define QUORATE_LOADGEN_SUMMARY_H_

#include <string>

#include "loadgen/run_recorder.h"
#include "loadgen/run_stats.h"
#include "loadgen/workload.h"

namespace quorate::loadgen {

// Latencies are response times. A percentile that too few operations lie above is a dash.
std::string FormatSummary(const RunStats& stats, const RunRecorder& recorder,
                          const Workload& workload);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_SUMMARY_H_
