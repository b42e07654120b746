// The page doc/claims.md: what every strategy promises for each W and R, from the very promises
// that the simulator attacks (tests/sim/promises.h).
#ifndef QUORATE_TESTS_SIM_CLAIMS_H_
#define QUORATE_TESTS_SIM_CLAIMS_H_

#include <string>

namespace quorate::sim {

// The whole page, with its line end.
std::string ClaimsPage();

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_CLAIMS_H_
