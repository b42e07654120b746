// Report: a run as text, for people.
//
// Pure functions: thread-safe.
#ifndef QUORATE_LOADGEN_REPORT_H_
#define QUORATE_LOADGEN_REPORT_H_

#include <string>

#include "client/rest_reply.h"
#include "loadgen/options.h"
#include "loadgen/run_stats.h"
#include "loadgen/verdict.h"

namespace quorate::loadgen {

// What a figure is worth nothing without: the cluster as its first target describes it, and the
// load.
std::string FormatHeader(const Options& options, const RestHealth& first_target);

// One interval of a run that ends at `run_end`, in less than 80 columns, without a line end.
std::string FormatLiveLine(const IntervalStats& interval, Nanos run_end);

// The same for programs: an object of JSON on one line, with times in seconds; without a line end.
std::string FormatJsonLine(const IntervalStats& interval);

// The tables and the verdict. A percentile that fewer than ten operations lie above is not printed.
std::string FormatReport(const RunStats& stats, const Verdict& verdict);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_REPORT_H_
