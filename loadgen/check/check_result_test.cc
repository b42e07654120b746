#include "loadgen/check/check_result.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate::check {
namespace {

TEST(CheckResultTest, VerdictNeedsProof) {
  CheckResult result("a property");
  EXPECT_EQ(result.verdict(), Verdict::kHolds);
  result.CannotTell("fog");
  result.CannotTell("fog");
  EXPECT_EQ(result.verdict(), Verdict::kUnknown);
  EXPECT_EQ(result.unknown().at("fog"), 2u);
  result.Add(Conflict{ConflictKind::kInversion, 1, 10, {3, 4}});
  EXPECT_EQ(result.verdict(), Verdict::kViolated);
}

TEST(CheckResultTest, KeepsTheWorstExamplesOfEachKind) {
  CheckResult result("a property");
  for (size_t i = 0; i < 100; ++i) {
    result.Add(Conflict{ConflictKind::kStaleRead, 1, static_cast<Nanos>(i * 37 % 100), {i}});
  }
  result.Add(Conflict{ConflictKind::kFutureRead, 1, 1, {500}});
  EXPECT_EQ(result.conflicts(), 101u);
  EXPECT_EQ(result.Count(ConflictKind::kStaleRead), 100u);
  const std::vector<Conflict> examples = result.Examples();
  ASSERT_EQ(examples.size(), CheckResult::kExamplesMax + 1);
  for (size_t i = 0; i < CheckResult::kExamplesMax; ++i) {
    EXPECT_EQ(examples[i].severity, static_cast<Nanos>(99 - i));
  }
  EXPECT_EQ(examples.back().kind, ConflictKind::kFutureRead);
}

TEST(CheckResultTest, AmongEqualsTheFirstStay) {
  CheckResult result("a property");
  for (size_t i = 0; i < 20; ++i) {
    result.Add(Conflict{ConflictKind::kPhantomRead, 1, kNever, {i}});
  }
  const std::vector<Conflict> examples = result.Examples();
  ASSERT_EQ(examples.size(), CheckResult::kExamplesMax);
  for (size_t i = 0; i < examples.size(); ++i) EXPECT_EQ(examples[i].operations[0], i);
}

TEST(CheckResultTest, CountsKeysInConflict) {
  CheckResult result("a property");
  result.Add(Conflict{ConflictKind::kStaleRead, 1, 1, {}});
  result.Add(Conflict{ConflictKind::kStaleRead, 1, 1, {}});
  result.CountKey(5, 2);
  result.CountKey(7, 1);
  EXPECT_EQ(result.keys(), 2u);
  EXPECT_EQ(result.keys_in_conflict(), 1u);
  EXPECT_EQ(result.reads(), 12u);
  EXPECT_EQ(result.writes(), 3u);
}

TEST(CheckResultTest, EveryKindHasWordsOfItsOwn) {
  std::set<std::string> names;
  std::set<std::string> meanings;
  for (size_t kind = 0; kind < kConflictKinds; ++kind) {
    names.insert(ConflictName(static_cast<ConflictKind>(kind)));
    meanings.insert(ConflictMeaning(static_cast<ConflictKind>(kind)));
  }
  EXPECT_EQ(names.size(), kConflictKinds);
  EXPECT_EQ(meanings.size(), kConflictKinds);
  EXPECT_STREQ(ConflictName(ConflictKind::kWritesFollowReads), "writes follow reads");
}

}  // namespace
}  // namespace quorate::check
