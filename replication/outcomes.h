// Outcomes: the results that every strategy gives in the same words. There are two kinds of failed
// writes, and they must never be mixed up: nothing was sent, so a retry is safe; or something was,
// so the write may take effect now or later (doc/semantics.md 11, 12).
#ifndef QUORATE_REPLICATION_OUTCOMES_H_
#define QUORATE_REPLICATION_OUTCOMES_H_

#include <cstddef>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "replication/operation.h"
#include "replication/quorum.h"
#include "replication/storage/version.h"

namespace quorate {

// A read that was answered by the store of `self` alone.
OperationResult OwnAnswer(NodeId self, std::optional<Record> record);

// Refused before anything was sent.
OperationResult NotSent(absl::Status status);

// Of a write that an earlier try may have begun: no failure says that nothing was written.
void SpeakOfEarlierTries(OperationResult* result);

// What a token is refused with whose versions are of the other kind; `name`: context or session.
absl::Status ForeignToken(absl::string_view name);

// What the session of `operation` has seen. INVALID_ARGUMENT where it is of a cluster whose
// versions are of the other kind than these: `sequenced` or not.
absl::StatusOr<Version> SessionOf(const Operation& operation, bool sequenced);

// UNAVAILABLE where a linearizable read that found `version` would take a session back that has
// seen `session`: what it saw is gone, or was never on W replicas.
absl::Status CheckKnowsSession(const Version& version, const Version& session);

// Why this node cannot go on with what other replicas hold.
absl::Status NotMerged();

// Why a read is refused while reads in flight hold too much: `bytes` of values.
absl::Status TooMuchHeld(size_t bytes);

// Refused because fewer than `required` replicas can be reached (`live`, the coordinator included).
OperationResult TooFewReplicas(const Operation& operation, int required, int live);

// A write that was sent and lacks acknowledgements. `why` names the event, as in "replicas were
// lost".
OperationResult UnknownOutcome(absl::StatusCode code, const QuorumTracker& acks,
                               absl::string_view why);

}  // namespace quorate

#endif  // QUORATE_REPLICATION_OUTCOMES_H_
