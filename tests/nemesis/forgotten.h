// Who may have forgotten what it had acknowledged, and for how long.
#ifndef QUORATE_TESTS_NEMESIS_FORGOTTEN_H_
#define QUORATE_TESTS_NEMESIS_FORGOTTEN_H_

#include "absl/time/time.h"

#include "replication/storage/version.h"

namespace quorate::nemesis {

// A node had forgotten, perhaps, and had not caught up again.
struct Forgotten {
  NodeId node = 0;
  absl::Duration from;
  absl::Duration until = absl::InfiniteDuration();
};

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_FORGOTTEN_H_
