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

#include "loadgen/key_chooser.h"
#include "loadgen/mix.h"
#include "loadgen/schedule.h"

namespace quorate::loadgen {

enum class Mode {
  kLeader,      // writes go to the first target
  kLeaderless,  // writes go to any
};

// Where reads go.
enum class ReadTarget {
  kCoordinator,  // where writes go: the first target with a leader, else any
  kAny,          // any, which reads through its quorum
  kLocal,        // any, which answers with what it alone holds
};

enum class TransportKind {
  kRest,    // HTTP/JSON: each operation in flight has a connection of its own
  kUnary,   // gRPC: a call for each operation, one connection a target
  kStream,  // gRPC: many operations in a message on one stream a target
};

struct HostAndPort {
  std::string host;
  int port = 0;

  std::string ToString() const;
};

struct Options {
  // Behaviour.
  Mode mode = Mode::kLeader;
  std::vector<HostAndPort> targets;  // HTTP addresses for kRest, gRPC addresses otherwise
  TransportKind transport = TransportKind::kRest;
  ReadTarget read_target = ReadTarget::kCoordinator;
  double write_ratio = 0.5;  // 0..1; with a mix, its share of writes
  // What is done: reads, updates, inserts, reads that a write follows.
  std::optional<OperationMix> mix;
  int duration_seconds = 60;  // measured, without the warm-up
  int warmup_seconds = 1;     // may be 0
  int ramp_seconds = 0;       // before the warm-up: the rate grows
  bool load_keys = false;     // write every key once, before all else
  int qps = 10;               // operations a second, offered; an open loop
  Spacing spacing = Spacing::kEven;
  int closed_loop = 0;  // above 0: so many operations in flight, as fast as they are answered
  int num_keys = 50;
  KeyDistribution distribution;
  int value_bytes = 100;
  std::optional<int> w;  // overrides of the cluster's quorums
  std::optional<int> r;
  uint64_t seed = 0;

  // Writes a second, of other keys, that are followed to every replica beside the load, to predict
  // how stale reads are. 0: none; nullopt: few, as FollowedWrites says.
  std::optional<int> followed_writes;

  // What is left behind.
  std::string output = "results.json";  // empty: no result file
  int raw_samples = 100000;             // in each list of the result file, at most
  std::string history;                  // empty: none is recorded
  int history_operations = 4000000;     // recorded, at most
  bool quiet = false;                   // no live line
  bool json_lines = false;              // each second as a line of JSON instead, for programs

  // Performance and limits.
  int connections = 32;     // for each target: its operations in flight
  int max_waiting = 10000;  // operations that wait for a connection; more are missed
  int timeout_ms = 3000;    // an operation without an answer has failed then
};

// A hundredth of the rate, from 1 to 20, where the options do not say.
int FollowedWrites(const Options& options);

// Whether reads and writes go through the cluster's own quorums: what a node promises, it promises
// for these alone.
bool GoThroughOwnQuorums(const Options& options);

// INVALID_ARGUMENT with a message that names the flag.
absl::Status Validate(const Options& options);

// INVALID_ARGUMENT, naming the flag and its values, for text that is none of them.
absl::StatusOr<Mode> ParseMode(absl::string_view text);
absl::StatusOr<ReadTarget> ParseReadTarget(absl::string_view text);
absl::StatusOr<TransportKind> ParseTransport(absl::string_view text);
absl::StatusOr<Spacing> ParseSpacing(absl::string_view text);

// As the flags name them.
std::string ToString(Mode mode);
std::string ToString(ReadTarget target);
std::string ToString(TransportKind transport);
std::string ToString(Spacing spacing);

// Comma-separated HOST:PORT, each perhaps with http:// before it and / behind; an IPv6 address
// stands in brackets.
absl::StatusOr<std::vector<HostAndPort>> ParseTargets(absl::string_view text);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_OPTIONS_H_
