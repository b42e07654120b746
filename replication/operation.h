// What a client asks of a replica, and what it is told. These types are the same behind gRPC,
// behind the HTTP gateway and in the simulator.
//
// Values: thread-compatible.
#ifndef QUORATE_REPLICATION_OPERATION_H_
#define QUORATE_REPLICATION_OPERATION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "replication/storage/record.h"
#include "replication/storage/version.h"

namespace quorate {

// Names an operation. A node never uses one twice, not even in another life: an answer to an
// earlier life may still be under way. Owners of a replica start counting at a random place.
using OperationId = uint64_t;

enum class OperationKind { kGet, kSet, kDelete, kLocalRead };

struct Operation {
  OperationKind kind = OperationKind::kGet;
  std::string key;
  std::string value;    // kSet only
  std::string context;  // kSet, kDelete: a ContextToken for this key, or empty
  // kGet, kSet, kDelete: a ContextToken for this key, of what the client's session has seen, or
  // empty. A get returns nothing older, or fails; a write without `context` comes after it.
  std::string session;
  // kSet, kDelete: names the write, so that it can be repeated (named_writes.h); empty: it cannot.
  // `repeat`: this is not its first try.
  std::string request;
  bool repeat = false;
  // Overrides of the cluster's W and R for this operation; nullopt: the cluster's.
  std::optional<int> w;
  std::optional<int> r;
  // kGet: this read must be linearizable; refused where the cluster cannot promise that. `r` does
  // not go with it.
  bool linearizable = false;
  absl::Duration timeout = absl::Seconds(2);

  bool is_write() const { return kind == OperationKind::kSet || kind == OperationKind::kDelete; }
};

// A total order of the writes of one key; see Order in proto/kv.proto. It agrees with causality as
// far as a write's coordinator had the records that the writer had seen, or the clocks agree; and
// with which of several concurrent values wins.
struct WriteOrder {
  uint64_t major = 0;
  uint64_t minor = 0;
  uint64_t tie = 0;

  friend bool operator==(const WriteOrder& a, const WriteOrder& b) {
    return a.major == b.major && a.minor == b.minor && a.tie == b.tie;
  }
  friend bool operator<(const WriteOrder& a, const WriteOrder& b) {
    return std::tie(a.major, a.minor, a.tie) < std::tie(b.major, b.minor, b.tie);
  }
};

struct OperationResult {
  // Every outcome but OK is a failure. Absent keys are OK. Failed writes: see may_have_applied.
  absl::Status status;
  // A write that failed was sent to at least one replica: it may take effect, now or later, and is
  // never rolled back. False: nothing happened and nothing will (doc/semantics.md 11).
  bool may_have_applied = false;

  // Reads: all that the answering replicas know of the key, tombstones included; nullopt where it
  // was never written. Writes: the version that the write was given, without values.
  std::optional<Record> record;

  NodeId node = 0;            // reads: the coordinator; writes: who gave the version
  int answers = 0;            // replicas that had answered (reads) or acknowledged (writes)
  int required = 0;           // replicas that had to
  bool disagreed = false;     // reads: the answers differed
  int replaced_siblings = 0;  // writes, leaderless: concurrent values that it settled
  // Writes: what the writer now knows, for its next context, where that is less than the version in
  // `record`: others' concurrent values that the writer has not seen stand beside its own.
  std::optional<Version> seen;
  // Writes: what the writer's session has seen, where that is more than the version in `record`.
  std::optional<Version> session;
  WriteOrder order;   // of the winning value, or of the write
  NodeId leader = 0;  // where the operation should go instead; 0 where that is unknown
};

// Where the winner of `record` stands among the writes of its key.
WriteOrder OrderOf(const Record& record);
WriteOrder OrderOf(const Version& version, const Sibling& sibling);

// What a client that got `result` has seen of the key.
const Version& SeenBy(const OperationResult& result);
// The same for a session, whose next read must not return less: a write itself counts, whatever
// stands beside it.
const Version& SeenBySession(const OperationResult& result);

// A version as an opaque token that a client hands back, bound to its key.
std::string ContextToken(absl::string_view key, const Version& version);

// INVALID_ARGUMENT where `token` is damaged or was given for another key. An empty token is an
// empty version.
absl::StatusOr<Version> ParseContextToken(absl::string_view key, absl::string_view token);

}  // namespace quorate

#endif  // QUORATE_REPLICATION_OPERATION_H_
