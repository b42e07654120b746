#include "client/connection_name.h"

#include <cstdint>
#include <random>

namespace quorate {

std::string NewConnectionName() {
  // The system's own source: a generator in memory, absl::BitGen's pool included, goes on in a
  // forked process as it does in its parent, and two writes of one name are one to a cluster.
  std::random_device random;
  std::string name;
  while (name.size() < sizeof(uint64_t)) {
    const uint32_t drawn = random();
    name.append(reinterpret_cast<const char*>(&drawn), sizeof(drawn));
  }
  return name;
}

}  // namespace quorate
