#include "node/status_mapping.h"

#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"

#include "node/fake_kv_api.h"

namespace quorate {
namespace {

TEST(StatusMappingTest, NumbersAndNamesAreTheOnesOfAbseil) {
  for (int number = 0; number <= 16; ++number) {
    const auto code = static_cast<absl::StatusCode>(number);
    EXPECT_EQ(ToWireStatus(code).number, number);
    EXPECT_EQ(ToWireStatus(code).name, absl::StatusCodeToString(code));
  }
}

TEST(StatusMappingTest, HttpStatuses) {
  EXPECT_EQ(ToWireStatus(absl::StatusCode::kOk).http, 200);
  EXPECT_EQ(ToWireStatus(absl::StatusCode::kInvalidArgument).http, 400);
  EXPECT_EQ(ToWireStatus(absl::StatusCode::kFailedPrecondition).http, 400);
  EXPECT_EQ(ToWireStatus(absl::StatusCode::kNotFound).http, 404);
  EXPECT_EQ(ToWireStatus(absl::StatusCode::kAborted).http, 409);
  EXPECT_EQ(ToWireStatus(absl::StatusCode::kResourceExhausted).http, 429);
  EXPECT_EQ(ToWireStatus(absl::StatusCode::kCancelled).http, 499);
  EXPECT_EQ(ToWireStatus(absl::StatusCode::kInternal).http, 500);
  EXPECT_EQ(ToWireStatus(absl::StatusCode::kUnimplemented).http, 501);
  EXPECT_EQ(ToWireStatus(absl::StatusCode::kUnavailable).http, 503);
  EXPECT_EQ(ToWireStatus(absl::StatusCode::kDeadlineExceeded).http, 504);
}

TEST(StatusMappingTest, CodesFromElsewhereAreUnknown) {
  EXPECT_STREQ(ToWireStatus(static_cast<absl::StatusCode>(-1)).name, "UNKNOWN");
  EXPECT_STREQ(ToWireStatus(static_cast<absl::StatusCode>(17)).name, "UNKNOWN");
}

TEST(StatusMappingTest, AWriteThatMayHaveHappenedIsAGatewayTimeout) {
  OperationResult result = Failed(absl::UnavailableError("the leader is gone"));
  EXPECT_EQ(HttpStatusOf(result), 503);
  result.may_have_applied = true;
  EXPECT_EQ(HttpStatusOf(result), 504);
}

TEST(StatusMappingTest, ARepeatThatCanNeverBeDoneIsRefusedForThat) {
  OperationResult result = Failed(absl::InvalidArgumentError("another write has had this id"));
  result.may_have_applied = true;
  EXPECT_EQ(HttpStatusOf(result), 400);
}

TEST(StatusMappingTest, DetailsNameTheLeader) {
  const FakeKvApi api;
  OperationResult result = Failed(absl::UnavailableError("too few replicas"));
  EXPECT_EQ(DetailsOf(result, api).leader(), "");
  result.may_have_applied = true;
  result.answers = 1;
  result.required = 3;
  result.leader = 2;
  const v1::ErrorDetails details = DetailsOf(result, api);
  EXPECT_TRUE(details.may_have_applied());
  EXPECT_EQ(details.acks(), 1u);
  EXPECT_EQ(details.required(), 3u);
  EXPECT_EQ(details.leader(), "node-2");
}

}  // namespace
}  // namespace quorate
