// The phases of phased_load: how much it asks for, and how long.
#ifndef QUORATE_BENCH_LOAD_PHASES_H_
#define QUORATE_BENCH_LOAD_PHASES_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace quorate {

struct LoadPhase {
  // Open: operations a second are begun whatever becomes of them. Closed: a number of operations is
  // kept in flight.
  bool open = false;
  double rate = 0;    // open: above 0
  int in_flight = 0;  // closed: above 0
  absl::Duration duration;
};

// From "open:RATE:SECONDS" and "closed:IN_FLIGHT:SECONDS", separated by commas. InvalidArgument,
// with the part that is wrong, for anything else.
absl::StatusOr<std::vector<LoadPhase>> ParsePhases(absl::string_view text);

}  // namespace quorate

#endif  // QUORATE_BENCH_LOAD_PHASES_H_
