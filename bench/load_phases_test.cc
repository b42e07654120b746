#include "bench/load_phases.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

TEST(LoadPhasesTest, OpenAndClosedPhasesComeInOrder) {
  const absl::StatusOr<std::vector<LoadPhase>> phases = ParsePhases("closed:64:3,open:2500.5:0.5");
  ASSERT_TRUE(phases.ok()) << phases.status();
  ASSERT_EQ(phases->size(), 2u);
  EXPECT_FALSE((*phases)[0].open);
  EXPECT_EQ((*phases)[0].in_flight, 64);
  EXPECT_EQ((*phases)[0].duration, absl::Seconds(3));
  EXPECT_TRUE((*phases)[1].open);
  EXPECT_EQ((*phases)[1].rate, 2500.5);
  EXPECT_EQ((*phases)[1].duration, absl::Milliseconds(500));
}

TEST(LoadPhasesTest, WhatMakesNoSenseIsRefusedByName) {
  for (const char* wrong :
       {"", "open:1", "open:0:1", "open:-1:1", "open:nan:1", "open:inf:1", "open:1:0", "open:1:inf",
        "open:1:nan", "closed:0:1", "closed:1.5:1", "ajar:1:1", "open:1:1:1"}) {
    EXPECT_FALSE(ParsePhases(wrong).ok()) << wrong;
  }
  const absl::StatusOr<std::vector<LoadPhase>> phases = ParsePhases("open:1:1,open:x:1");
  EXPECT_EQ(phases.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(phases.status().message()), testing::HasSubstr("'open:x:1'"));
}

}  // namespace
}  // namespace quorate
