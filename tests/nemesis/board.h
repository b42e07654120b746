// Board: the memory that a run and its nodes share: when the run began, which nodes read, and what
// each node's faults came to, which the run reads at the end. A file, so that nodes that are killed
// leave their counts behind.
#ifndef QUORATE_TESTS_NEMESIS_BOARD_H_
#define QUORATE_TESTS_NEMESIS_BOARD_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "replication/env.h"
#include "replication/storage/version.h"

namespace quorate::nemesis {

// Of one node, in all its lives.
struct FaultCounters {
  std::atomic<uint64_t> batches{0};  // that came from other nodes
  std::atomic<uint64_t> lost{0};     // by chance
  std::atomic<uint64_t> cut{0};      // lost because the way was cut
  std::atomic<uint64_t> repeated{0};
  std::atomic<uint64_t> clogged{0};    // later because the way was clogged
  std::atomic<uint64_t> overtaken{0};  // delivered after what had been sent later
  std::atomic<uint64_t> slow_syncs{0};
  std::atomic<uint64_t> failed_writes{0};
  std::atomic<uint64_t> skewed_times{0};  // wall times told while the clock was wrong
};

// Thread-safe, for several processes.
class Board {
 public:
  static constexpr size_t kNodesMax = 64;

  // Creates the file, or maps the one that is there. Mapped for as long as the process lives.
  // UNAVAILABLE where the system refuses.
  static absl::StatusOr<Board*> Create(const std::string& path);
  static absl::StatusOr<Board*> Open(const std::string& path);

  // The run begins at `now` of the monotonic clock, which all processes of a machine share.
  void Begin(MonotonicTime now) { begun_ns_.store(absl::ToInt64Nanoseconds(now)); }

  // The time since the run began; minus infinity before.
  absl::Duration Since(MonotonicTime now) const {
    const int64_t begun = begun_ns_.load();
    return begun == 0 ? -absl::InfiniteDuration() : now - absl::Nanoseconds(begun);
  }

  FaultCounters& counters(NodeId node) { return counters_[node % kNodesMax]; }

 private:
  std::atomic<int64_t> begun_ns_{0};  // 0: not yet
  std::array<FaultCounters, kNodesMax> counters_;
};

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_BOARD_H_
