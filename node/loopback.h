// For tests that listen: an address of this machine that no other test uses.
#ifndef QUORATE_NODE_LOOPBACK_H_
#define QUORATE_NODE_LOOPBACK_H_

#include <random>
#include <string>

#include "absl/strings/str_cat.h"

namespace quorate {

// An address in 127.0.0.0/8, all of whose ports are the caller's: one of four million, by chance,
// so that tests in parallel do not meet.
inline std::string OwnLoopbackAddress() {
  std::random_device random;
  std::uniform_int_distribution<int> any(1, 254);
  return absl::StrCat("127.", 64 + any(random) / 4, ".", any(random), ".", any(random));
}

}  // namespace quorate

#endif  // QUORATE_NODE_LOOPBACK_H_
