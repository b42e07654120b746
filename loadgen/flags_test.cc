#include "loadgen/flags.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gflags/gflags.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

using ::testing::HasSubstr;

TEST(FlagsTest, FindMaxRefusesWhatItWouldIgnore) {
  const std::pair<const char*, const char*> ignored[] = {
      {"closed_loop", "4"},         {"output", "results.json"},
      {"raw_samples", "10"},        {"history", "h"},
      {"json_lines", "true"},       {"followed_writes", "0"},
      {"history_operations", "100"}};
  EXPECT_TRUE(CheckFlagsOfFindMax().ok());
  for (const auto& [flag, value] : ignored) {
    const google::FlagSaver saver;
    // Said is said, also where it is the default.
    ASSERT_NE(google::SetCommandLineOption(flag, value), "") << flag;
    const absl::Status status = CheckFlagsOfFindMax();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << flag;
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::string("--") + flag + " means"));
  }
  EXPECT_TRUE(CheckFlagsOfFindMax().ok());
}

TEST(FlagsTest, FindMaxTakesTheFlagsOfItsRuns) {
  const google::FlagSaver saver;
  for (const auto& [flag, value] : {std::make_pair("qps", "100"), {"duration", "2"}, {"w", "1"}}) {
    ASSERT_NE(google::SetCommandLineOption(flag, value), "") << flag;
  }
  EXPECT_TRUE(CheckFlagsOfFindMax().ok());
}

}  // namespace
}  // namespace quorate::loadgen
