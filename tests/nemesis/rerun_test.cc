#include "tests/nemesis/rerun.h"

#include "gtest/gtest.h"

namespace quorate::nemesis {
namespace {

TEST(ForShellTest, QuotesWhatAShellWouldTakeApart) {
  EXPECT_EQ(ForShell("--strategy=leaderless"), "--strategy=leaderless");
  EXPECT_EQ(ForShell("--kinds=crash,new-disk"), "--kinds=crash,new-disk");
  EXPECT_EQ(ForShell("--schedule=a b"), "'--schedule=a b'");
  EXPECT_EQ(ForShell("--schedule=$HOME/*"), "'--schedule=$HOME/*'");
  EXPECT_EQ(ForShell("it's"), "'it'\\''s'");
  EXPECT_EQ(ForShell("~/x"), "'~/x'");
  EXPECT_EQ(ForShell(""), "''");
}

TEST(RerunCommandTest, IsTheCommandWithoutItsFolder) {
  EXPECT_EQ(RerunCommand({}), "bazel run //tests/nemesis --");
  EXPECT_EQ(RerunCommand({"--seed=1", "--output=/tmp/x", "--n=3"}),
            "bazel run //tests/nemesis -- --seed=1 --n=3");
  EXPECT_EQ(RerunCommand({"-output", "/tmp/x", "--schedule", "my file"}),
            "bazel run //tests/nemesis -- --schedule 'my file'");
  // Not everything that is called so is this flag.
  EXPECT_EQ(RerunCommand({"--schedule", "output", "--schedule=output=1"}),
            "bazel run //tests/nemesis -- --schedule output --schedule=output=1");
}

}  // namespace
}  // namespace quorate::nemesis
