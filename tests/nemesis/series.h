// Series: a run second by second, with its faults, as JSON for tools/visualize_nemesis.py. The same
// of both worlds, real processes and the simulator.
#ifndef QUORATE_TESTS_NEMESIS_SERIES_H_
#define QUORATE_TESTS_NEMESIS_SERIES_H_

#include <string>
#include <vector>

#include "absl/time/time.h"

#include "tests/nemesis/nemesis.h"
#include "tests/sim/runner.h"
#include "tests/sim/schedule.h"

namespace quorate::nemesis {

// One operation of a client, in the run's time.
struct Sample {
  absl::Duration start;
  absl::Duration end;  // infinite: never
  bool ok = false;
  bool unknown = false;  // a write that may or may not have happened
};

struct WorldSeries {
  std::string world;    // "real processes" or "simulator"
  std::string verdict;  // "passed", "violated" or "void"
  std::vector<Sample> samples;
};

WorldSeries SeriesOf(const NemesisResult& run);
WorldSeries SeriesOf(const sim::RunResult& run);

std::string SeriesAsJson(const sim::Schedule& schedule, Durability durability,
                         const std::vector<WorldSeries>& worlds);

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_SERIES_H_
