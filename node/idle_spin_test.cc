#include "node/idle_spin.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

const absl::Duration kSoon = IdleSpin::kMost / 2;
const absl::Duration kLate = IdleSpin::kMost * 10;

TEST(IdleSpinTest, ANodeThatIsRarelyAskedSleeps) {
  IdleSpin spin(IdleSpin::kMost);
  EXPECT_EQ(spin.limit(), absl::ZeroDuration());
  for (int i = 0; i < 10; ++i) spin.OnWaited(kLate);
  EXPECT_EQ(spin.limit(), absl::ZeroDuration());
}

TEST(IdleSpinTest, GrowsUntilItSeesWhatComesSoonAndNoFurther) {
  IdleSpin spin(IdleSpin::kMost);
  for (int i = 0; i < 20; ++i) spin.OnWaited(kSoon);
  EXPECT_GE(spin.limit(), kSoon);
  EXPECT_LE(spin.limit(), 2 * kSoon);
  for (int i = 0; i < 20; ++i) spin.OnWaited(IdleSpin::kMost);
  EXPECT_EQ(spin.limit(), IdleSpin::kMost);
}

TEST(IdleSpinTest, GivesUpWhereEventsComeLate) {
  IdleSpin spin(IdleSpin::kMost);
  for (int i = 0; i < 20; ++i) spin.OnWaited(IdleSpin::kMost);
  spin.OnWaited(kLate);
  EXPECT_EQ(spin.limit(), IdleSpin::kMost / 2) << "once may be chance";
  for (int i = 0; i < 4; ++i) spin.OnWaited(kLate);
  EXPECT_EQ(spin.limit(), absl::ZeroDuration());
}

TEST(IdleSpinTest, WithoutSpinningItSleepsWhateverComes) {
  IdleSpin spin(absl::ZeroDuration());
  for (const absl::Duration waited : {absl::Microseconds(1), kSoon, kLate}) spin.OnWaited(waited);
  EXPECT_EQ(spin.limit(), absl::ZeroDuration());
}

}  // namespace
}  // namespace quorate
