#include "client/retry_policy.h"

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

Error Of(absl::StatusCode code, bool may_have_applied = false, const char* leader = "") {
  Error error{absl::Status(code, "as the test says"), ErrorDetails()};
  error.details.may_have_applied = may_have_applied;
  error.details.leader = leader;
  return error;
}

TEST(RetryPolicyTest, RepeatsOnlyWhatMayPassAndCannotWriteTwice) {
  for (const absl::StatusCode code :
       {absl::StatusCode::kUnavailable, absl::StatusCode::kResourceExhausted,
        absl::StatusCode::kAborted, absl::StatusCode::kDeadlineExceeded}) {
    EXPECT_TRUE(SafeToRetry(Of(code), /*write=*/false, /*named=*/false)) << static_cast<int>(code);
    EXPECT_TRUE(SafeToRetry(Of(code), /*write=*/true, /*named=*/false)) << static_cast<int>(code);
    EXPECT_FALSE(SafeToRetry(Of(code, /*may_have_applied=*/true), /*write=*/true, /*named=*/false))
        << static_cast<int>(code);
  }
  for (const absl::StatusCode code :
       {absl::StatusCode::kInvalidArgument, absl::StatusCode::kCancelled,
        absl::StatusCode::kInternal, absl::StatusCode::kUnknown, absl::StatusCode::kDataLoss,
        absl::StatusCode::kUnimplemented, absl::StatusCode::kFailedPrecondition}) {
    EXPECT_FALSE(SafeToRetry(Of(code), /*write=*/false, /*named=*/false)) << static_cast<int>(code);
    EXPECT_FALSE(SafeToRetry(Of(code), /*write=*/true, /*named=*/false)) << static_cast<int>(code);
  }
  // By its name the cluster knows a repeat.
  const Error in_doubt = Of(absl::StatusCode::kUnavailable, /*may_have_applied=*/true);
  EXPECT_TRUE(SafeToRetry(in_doubt, /*write=*/true, /*named=*/true));
  EXPECT_FALSE(SafeToRetry(Of(absl::StatusCode::kInternal, /*may_have_applied=*/true),
                           /*write=*/true, /*named=*/true));
  // A follower that does not hand on writes names who takes them.
  const Error elsewhere = Of(absl::StatusCode::kFailedPrecondition, false, "1");
  EXPECT_TRUE(SafeToRetry(elsewhere, /*write=*/true, /*named=*/false));
  EXPECT_FALSE(SafeToRetry(elsewhere, /*write=*/false, /*named=*/false));
}

TEST(RetryPolicyTest, WaitsLongerEachTimeWithinBounds) {
  RetryOptions options;
  options.initial_backoff = absl::Milliseconds(10);
  options.max_backoff = absl::Milliseconds(35);
  absl::BitGen random;
  for (int i = 0; i < 100; ++i) {
    const auto expect = [&](int attempts, int full_ms) {
      const absl::Duration backoff = Backoff(options, attempts, random);
      EXPECT_GE(backoff, absl::Milliseconds(full_ms) / 2);
      EXPECT_LE(backoff, absl::Milliseconds(full_ms));
    };
    expect(1, 10);
    expect(2, 20);
    expect(3, 35);
    expect(1000, 35);
  }
}

TEST(RetryBudgetTest, CallsEarnRetries) {
  RetryOptions options;
  options.budget_ratio = 0.25;
  options.budget_max = 2;
  RetryBudget budget(options);
  EXPECT_TRUE(budget.TryRetry());
  EXPECT_TRUE(budget.TryRetry());
  EXPECT_FALSE(budget.TryRetry());
  for (int i = 0; i < 3; ++i) budget.OnCall();
  EXPECT_FALSE(budget.TryRetry());
  budget.OnCall();
  EXPECT_TRUE(budget.TryRetry());
  EXPECT_FALSE(budget.TryRetry());
  for (int i = 0; i < 100; ++i) budget.OnCall();
  EXPECT_TRUE(budget.TryRetry());
  EXPECT_TRUE(budget.TryRetry());
  EXPECT_FALSE(budget.TryRetry());
}

}  // namespace
}  // namespace quorate
