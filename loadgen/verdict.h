// Verdict: whether a run's figures say something about the servers, or about the generator.
//
// Pure functions: thread-safe.
#ifndef QUORATE_LOADGEN_VERDICT_H_
#define QUORATE_LOADGEN_VERDICT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "loadgen/run_stats.h"

namespace quorate::loadgen {

enum class Judgement {
  kValid,
  kShared,  // figures are right, but generator and servers were in each other's way
  kVoid,    // do not use the latencies
};

struct Verdict {
  Judgement judgement = Judgement::kValid;
  std::vector<std::string> reasons;  // whole clauses, the gravest first; none where it is valid
};

// Where a run took place.
struct Place {
  bool servers_on_this_machine = false;
  int cores = 0;
};

// Void: operations were missed (over 0.1 %), less was achieved than offered (under 99 %), or the
// p99 of the send lag is over half of that of the response time. Shared: it is over 5 % of it, or
// the servers run on this machine.
Verdict Judge(const RunStats& stats, const Place& place);

// Whether `reasons`, of a run that need not be void, forbid to use the latencies of `kind`, "read"
// or "write".
bool ForbidLatenciesOf(absl::string_view kind, const std::vector<std::string>& reasons);

// "valid", "shared" or "void".
std::string ToString(Judgement judgement);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_VERDICT_H_
