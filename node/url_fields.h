// Reads what a REST request says in its URL: the path, the parameters of the query, and the key,
// which may stand in either.
//
// Errors are INVALID_ARGUMENT with a message that names the parameter, or UNIMPLEMENTED for what
// the protocol's rules name and this version does not have. Pure: thread-safe, never blocks.
#ifndef QUORATE_NODE_URL_FIELDS_H_
#define QUORATE_NODE_URL_FIELDS_H_

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

#include "replication/operation.h"

namespace quorate {

struct UrlParts {
  absl::string_view path;   // still percent-encoded
  absl::string_view query;  // without its '?'
};

// Clients of a proxy write the whole URL into the request line; what stands before its path is
// dropped.
UrlParts SplitTarget(absl::string_view target);

using QueryParameters = std::map<std::string, std::string>;

// Name to value, percent-decoded once; '+' stays '+'. An error where a '%' is no encoding or a
// parameter comes twice.
absl::StatusOr<QueryParameters> ParseQuery(absl::string_view query);

// An error that names the first parameter which is not among `known`, and what is.
absl::Status ExpectOnly(absl::Span<const absl::string_view> known, const QueryParameters& query);

// The parameter `name`: nullopt (or false) where it is missing, an error where it is not of its
// type. Whether a quorum fits the cluster is the replica's to judge.
absl::StatusOr<std::optional<int>> QuorumParameter(absl::string_view name,
                                                   const QueryParameters& query);
// Sets what `r` and `consistency` (quorum, linearizable or local) make of a read.
absl::Status SetConsistency(const QueryParameters& query, Operation* operation);
absl::StatusOr<bool> FlagParameter(absl::string_view name, const QueryParameters& query);
// Milliseconds, from 1 to 60000.
absl::StatusOr<std::optional<absl::Duration>> TimeoutParameter(absl::string_view name,
                                                               const QueryParameters& query);

// Which keys a path can hold.
enum class PathKeys { kText, kAnyBytes };

// The key, from what stands in the path after the route's prefix (still encoded), or from the
// parameter `key_b64`. An error where there is none, or are two.
absl::StatusOr<std::string> KeyFromUrl(absl::string_view path_key, PathKeys keys,
                                       const QueryParameters& query);

// Base64 in the field, parameter or header `name`.
absl::StatusOr<std::string> DecodedField(absl::string_view name, absl::string_view text);

absl::Status EmptyKey();

}  // namespace quorate

#endif  // QUORATE_NODE_URL_FIELDS_H_
