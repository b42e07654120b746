#include "replication/cluster_config.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "replication/storage/record.h"

namespace quorate {
namespace {

constexpr uint64_t kFirstHashedId = uint64_t{1} << 31;

absl::Status CheckQuorum(absl::string_view name, int value, int n) {
  if (value >= 1 && value <= n) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      name, " is ", value, " but must be from 1 to N=", n, ", the number of replicas"));
}

}  // namespace

const char* WriteModeName(WriteMode mode) {
  return mode == WriteMode::kLinearizable ? "linearizable" : "plain";
}

absl::Status ValidateQuorums(const Quorums& quorums) {
  if (quorums.n < 1) {
    return absl::InvalidArgumentError(absl::StrCat("N is ", quorums.n, " but must be at least 1"));
  }
  const absl::Status w = CheckQuorum("W", quorums.w, quorums.n);
  return w.ok() ? CheckQuorum("R", quorums.r, quorums.n) : w;
}

absl::Status Validate(const ClusterConfig& config) {
  if (config.cluster.empty()) return absl::InvalidArgumentError("the cluster's name is empty");
  if (config.self == 0) return absl::InvalidArgumentError("the node's id is missing");
  if (config.max_key_bytes < 1)
    return absl::InvalidArgumentError("max_key_bytes must be at least 1");
  if (config.quorums.n == 0) return absl::OkStatus();
  const absl::Status quorums = ValidateQuorums(config.quorums);
  if (!quorums.ok()) return quorums;
  const int majority = Majority(config.quorums.n);
  if (config.write_mode == WriteMode::kLinearizable &&
      (config.quorums.w != majority || config.quorums.r != majority)) {
    return absl::InvalidArgumentError(
        absl::StrCat("W is ", config.quorums.w, " and R is ", config.quorums.r,
                     ", but a linearizable cluster of ", config.quorums.n,
                     " works with a majority, ", majority, ", for both"));
  }
  return absl::OkStatus();
}

absl::StatusOr<NodeId> ParseNodeName(absl::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError("a node's id must not be empty");
  bool digits = true;
  for (const char c : name) digits = digits && absl::ascii_isdigit(c);
  if (!digits) {
    return static_cast<NodeId>(kFirstHashedId | (StableHash(name) & (kFirstHashedId - 1)));
  }
  uint64_t number = 0;
  if (!absl::SimpleAtoi(name, &number) || number < 1 || number >= kFirstHashedId) {
    return absl::InvalidArgumentError(
        absl::StrCat("node id '", name, "' is not in the range from 1 to 2147483647"));
  }
  return static_cast<NodeId>(number);
}

}  // namespace quorate
