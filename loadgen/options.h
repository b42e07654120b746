// Options: what a run is asked to do, checked before anything is sent.
//
// Values: thread-compatible.
#ifndef QUORATE_LOADGEN_OPTIONS_H_
#define QUORATE_LOADGEN_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace quorate::loadgen {

enum class Mode {
  kLeader,      // writes go to the first target, reads to any
  kLeaderless,  // both go to any
};

struct HostAndPort {
  std::string host;
  int port = 0;

  std::string ToString() const;
};

struct Options {
  // Behaviour.
  Mode mode = Mode::kLeader;
  std::vector<HostAndPort> targets;
  double write_ratio = 0.1;   // 0..1
  int duration_seconds = 30;  // measured, without the warm-up
  int warmup_seconds = 1;     // may be 0
  int qps = 100;              // operations a second, offered
  int num_keys = 50;
  int value_bytes = 100;
  std::optional<int> w;  // overrides of the cluster's quorums
  std::optional<int> r;
  bool local_reads = false;  // read what the target alone holds
  uint64_t seed = 0;

  // Performance and limits.
  int connections = 32;     // for each target: its operations in flight
  int max_waiting = 10000;  // operations that wait for a connection; more are missed
  int timeout_ms = 3000;    // an operation without an answer has failed then
};

// INVALID_ARGUMENT with a message that names the flag.
absl::Status Validate(const Options& options);

// "leader" or "leaderless".
absl::StatusOr<Mode> ParseMode(absl::string_view text);

// Comma-separated HOST:PORT, each perhaps with http:// before it and / behind; an IPv6 address
// stands in brackets.
absl::StatusOr<std::vector<HostAndPort>> ParseTargets(absl::string_view text);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_OPTIONS_H_
