// Trace: a running hash over everything that happens in a simulation, in order; and, where asked,
// the same as lines for people. Two runs of one seed must give the same hash.
//
// Not thread-safe.
#ifndef QUORATE_TESTS_SIM_TRACE_H_
#define QUORATE_TESTS_SIM_TRACE_H_

#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string>

#include "absl/time/time.h"

#include "replication/env.h"
#include "replication/storage/version.h"
#include "tests/sim/message_log.h"

namespace quorate::sim {

class Trace {
 public:
  // `full`: print each note to stderr. `messages` may be null, and must outlive the trace.
  explicit Trace(bool full = false, MessageLog* messages = nullptr)
      : full_(full), messages_(messages) {}

  MessageLog* messages() const { return messages_; }

  // Takes in one happening. `describe` is only called where lines are wanted.
  template <typename Describe>
  void Note(MonotonicTime now, NodeId node, std::initializer_list<uint64_t> facts,
            const Describe& describe) {
    Mix(static_cast<uint64_t>(absl::ToInt64Nanoseconds(now)));
    Mix(node);
    for (const uint64_t fact : facts) Mix(fact);
    if (full_) {
      std::fprintf(stderr, "%12.6f node %u %s\n", absl::ToDoubleSeconds(now), node,
                   std::string(describe()).c_str());
    }
  }

  uint64_t hash() const { return hash_; }

 private:
  void Mix(uint64_t word) {
    hash_ = (hash_ ^ word) * 0x9e3779b97f4a7c15u;
    hash_ ^= hash_ >> 29;
  }

  const bool full_;
  MessageLog* const messages_;
  uint64_t hash_ = 0;
};

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_TRACE_H_
