#include "loadgen/check/judge.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/check/check_result.h"
#include "loadgen/check/history.h"
#include "loadgen/check/test_history.h"

namespace quorate::check {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> QuestionsOf(const Judgement& judgement) {
  std::vector<std::string> questions;
  for (const Answer& answer : judgement.answers) questions.push_back(answer.question);
  return questions;
}

History GoodHistory() {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.Read(11, 1, 20, 30);
  return history.Sorted();
}

TEST(JudgeTest, AsksWhatTheScopeSays) {
  const History history = GoodHistory();
  EXPECT_THAT(QuestionsOf(Judge(history, Scope::kLinearizable)), ElementsAre("linearizable"));
  EXPECT_THAT(QuestionsOf(Judge(history, Scope::kRegular)), ElementsAre("regular"));
  EXPECT_THAT(QuestionsOf(Judge(history, Scope::kSessions)), ElementsAre("sessions"));
  const Judgement all = Judge(history, Scope::kAll);
  EXPECT_THAT(QuestionsOf(all), ElementsAre("linearizable", "regular", "sessions"));
  EXPECT_EQ(all.verdict, Verdict::kHolds);
  EXPECT_EQ(all.staleness.reads, 1u);
}

TEST(JudgeTest, OneViolatedAnswerIsEnough) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.Write(12, 2, 20, 90);
  history.Read(12, 2, 30, 40).session = 2;
  history.Read(11, 1, 50, 60).session = 3;
  const Judgement judgement = Judge(history.Sorted(), Scope::kAll);
  EXPECT_EQ(judgement.verdict, Verdict::kViolated);
  EXPECT_EQ(judgement.answers[0].verdict, Verdict::kViolated);
  EXPECT_EQ(judgement.answers[1].verdict, Verdict::kHolds);
  EXPECT_EQ(judgement.answers[2].verdict, Verdict::kHolds);
}

TEST(JudgeTest, SaysWhereOnlyTheVersionsAreWrong) {
  TestHistory history;
  history.Write(11, 2, 0, 10);
  history.Write(12, 1, 20, 30);
  const Judgement judgement = Judge(history.Sorted(), Scope::kLinearizable);
  EXPECT_EQ(judgement.verdict, Verdict::kViolated);
  EXPECT_THAT(judgement.answers[0].remark, HasSubstr("versions"));
}

// A leader has lost the second write; clocks may rank it below the first.
TEST(JudgeTest, WritesNeedNotBeInOrderWhereClocksRankThem) {
  TestHistory history;
  history.Write(11, 2, 0, 10);
  history.Write(12, 1, 20, 30);
  history.Read(11, 2, 40, 50);
  EXPECT_EQ(Judge(history.Sorted(), Scope::kRegular).verdict, Verdict::kViolated);
  history.history().ranked_by_clocks = true;
  const Judgement judgement = Judge(history.Sorted(), Scope::kRegular);
  EXPECT_EQ(judgement.verdict, Verdict::kHolds);
  ASSERT_EQ(judgement.answers[0].results.size(), 2u);
  EXPECT_EQ(judgement.answers[0].results[1].Count(ConflictKind::kWriteOrder), 1u);
  EXPECT_THAT(judgement.answers[0].remark, HasSubstr("clocks"));
  EXPECT_EQ(Judge(history.Sorted(), Scope::kLinearizable).verdict, Verdict::kViolated);
  history.Read(12, 1, 60, 70);
  EXPECT_EQ(Judge(history.Sorted(), Scope::kRegular).verdict, Verdict::kViolated);
}

TEST(JudgeTest, ValuesAreProofWithoutVersions) {
  TestHistory history;
  history.Write(11, 0, 0, 10);
  history.Read(11, 0, 20, 30);
  EXPECT_EQ(Judge(history.Sorted(), Scope::kLinearizable).verdict, Verdict::kHolds);
  EXPECT_EQ(Judge(history.Sorted(), Scope::kSessions).verdict, Verdict::kUnknown);
  history.history().order_is_total = false;
  EXPECT_EQ(Judge(history.Sorted(), Scope::kLinearizable).verdict, Verdict::kHolds);
  EXPECT_EQ(Judge(history.Sorted(), Scope::kAll).verdict, Verdict::kUnknown);
}

TEST(JudgeTest, NothingProvesNothing) {
  EXPECT_EQ(Judge(History(), Scope::kAll).verdict, Verdict::kUnknown);
  TestHistory history;
  history.Write(11, 1, 0, 10).outcome = Outcome::kFailed;
  const Judgement judgement = Judge(history.Sorted(), Scope::kLinearizable);
  EXPECT_EQ(judgement.verdict, Verdict::kUnknown);
  EXPECT_THAT(judgement.answers[0].remark, HasSubstr("nothing to judge"));
}

}  // namespace
}  // namespace quorate::check
