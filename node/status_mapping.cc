#include "node/status_mapping.h"

namespace quorate {
namespace {

constexpr WireStatus kUnknown = {2, "UNKNOWN", 500};

// By number, so that the position is the key.
constexpr WireStatus kTable[] = {
    {0, "OK", 200},
    {1, "CANCELLED", 499},
    kUnknown,
    {3, "INVALID_ARGUMENT", 400},
    {4, "DEADLINE_EXCEEDED", 504},
    {5, "NOT_FOUND", 404},
    {6, "ALREADY_EXISTS", 409},
    {7, "PERMISSION_DENIED", 403},
    {8, "RESOURCE_EXHAUSTED", 429},
    {9, "FAILED_PRECONDITION", 400},
    {10, "ABORTED", 409},
    {11, "OUT_OF_RANGE", 400},
    {12, "UNIMPLEMENTED", 501},
    {13, "INTERNAL", 500},
    {14, "UNAVAILABLE", 503},
    {15, "DATA_LOSS", 500},
    {16, "UNAUTHENTICATED", 401},
};
constexpr int kTableSize = sizeof(kTable) / sizeof(kTable[0]);

}  // namespace

const WireStatus& ToWireStatus(absl::StatusCode code) {
  const int number = static_cast<int>(code);
  return number >= 0 && number < kTableSize ? kTable[number] : kUnknown;
}

int HttpStatusOf(const OperationResult& result) {
  // A repeat of a write that can never be done is refused for that, whatever became of its tries.
  const absl::StatusCode code = result.status.code();
  const bool for_good = code == absl::StatusCode::kInvalidArgument ||
                        code == absl::StatusCode::kFailedPrecondition ||
                        code == absl::StatusCode::kUnimplemented;
  const bool unknown = !result.status.ok() && result.may_have_applied && !for_good;
  return ToWireStatus(unknown ? absl::StatusCode::kDeadlineExceeded : code).http;
}

v1::ErrorDetails DetailsOf(const OperationResult& result, const KvApi& api) {
  v1::ErrorDetails details;
  details.set_may_have_applied(result.may_have_applied);
  details.set_acks(static_cast<uint32_t>(result.answers));
  details.set_required(static_cast<uint32_t>(result.required));
  if (result.leader != 0) details.set_leader(api.NodeName(result.leader));
  return details;
}

}  // namespace quorate
