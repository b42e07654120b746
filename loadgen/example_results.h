// Result files for the tests of what reads them, made from operations that the test chooses.
//
//   const std::vector<ExampleOperation> operations = DrawOperations(/*seed=*/1, ExampleRun());
//   const Json result = ResultOf(operations, ExampleRun());
//
// Functions: thread-safe.
#ifndef QUORATE_LOADGEN_EXAMPLE_RESULTS_H_
#define QUORATE_LOADGEN_EXAMPLE_RESULTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "loadgen/json_fields.h"

namespace quorate::loadgen {

struct ExampleOperation {
  int second = 0;
  bool write = false;
  int64_t micros = 0;   // response time
  bool stale = false;   // reads
  bool failed = false;  // has no response time
};

struct ExampleRun {
  int seconds = 20;
  int per_second = 200;
  double slowness = 1;  // factor of response times
  double stale_share = 0.1;
  double failed_share = 0;
  // Stalls of that length, so long after each other on average (exponentially). What is due in one
  // is done at its end, or has failed by its time-out. 0: none.
  double stall_seconds = 0;
  double seconds_between_stalls = 10;
  double failed_in_stalls = 0;
  uint64_t seed = 1;  // as the file tells it
  std::string started_at = "2026-01-02T03:04:05Z";
  int w = 1;
  uint64_t raw_limit = 1'000'000;
};

// Half of them writes; response times have a long tail.
std::vector<ExampleOperation> DrawOperations(uint64_t seed, const ExampleRun& run);

// A complete file. There is a second of warm-up before the measured ones, which has no operations.
Json ResultOf(const std::vector<ExampleOperation>& operations, const ExampleRun& run);

// A file of another program that writes only what is documented, with nulls for empty lists.
Json DocumentedResultOf(const std::vector<ExampleOperation>& operations);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_EXAMPLE_RESULTS_H_
