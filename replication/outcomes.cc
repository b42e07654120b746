#include "replication/outcomes.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "replication/storage/planted_bugs.h"

namespace quorate {

OperationResult OwnAnswer(NodeId self, std::optional<Record> record) {
  OperationResult result;
  result.node = self;
  result.answers = result.required = 1;
  if (record.has_value()) result.order = OrderOf(*record);
  result.record = std::move(record);
  return result;
}

OperationResult NotSent(absl::Status status) {
  OperationResult result;
  result.status = std::move(status);
  return result;
}

void SpeakOfEarlierTries(OperationResult* result) {
  if (result->status.ok() || result->may_have_applied) return;
  result->may_have_applied = true;
  result->status = absl::Status(
      result->status.code(),
      absl::StrCat(result->status.message(), " (an earlier try may still take effect)"));
}

absl::Status ForeignToken(absl::string_view name) {
  return absl::InvalidArgumentError(
      absl::StrCat(name, " comes from a cluster with another strategy"));
}

absl::StatusOr<Version> SessionOf(const Operation& operation, bool sequenced) {
  absl::StatusOr<Version> session = ParseContextToken(operation.key, operation.session);
  const bool foreign = session.ok() && !session->empty() && session->sequenced() != sequenced;
  if (foreign) return ForeignToken("session");
  return session;
}

absl::Status CheckKnowsSession(const Version& version, const Version& session) {
  if (version.Descends(session) || PlantedBug(Bug::kForgetSession)) return absl::OkStatus();
  return absl::UnavailableError("what the session has seen is on no replica that answered");
}

absl::Status NotMerged() {
  return absl::UnavailableError(
      "this node cannot take in the newest record of the key; use another node");
}

absl::Status TooMuchHeld(size_t bytes) {
  return absl::ResourceExhaustedError(
      absl::StrCat("reads in flight hold ", bytes,
                   " bytes of values, more than this node's limit; retry later"));
}

OperationResult TooFewReplicas(const Operation& operation, int required, int live) {
  OperationResult result = NotSent(absl::UnavailableError(
      absl::StrCat(operation.is_write() ? "the write" : "the read", " needs ", required,
                   " replicas and the coordinator reaches ", live, ", itself included",
                   operation.is_write() ? "; nothing was written" : "")));
  result.required = required;
  return result;
}

OperationResult UnknownOutcome(absl::StatusCode code, const QuorumTracker& acks,
                               absl::string_view why) {
  OperationResult result;
  result.status = absl::Status(
      code, absl::StrCat("the write had ", acks.accepted(), " of the ", acks.required(),
                         " acknowledgements it needs when ", why, "; it may still take effect"));
  result.may_have_applied = !PlantedBug(Bug::kDenyUnknown);
  result.answers = acks.accepted();
  result.required = acks.required();
  return result;
}

}  // namespace quorate
