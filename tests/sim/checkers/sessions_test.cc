// CheckSessions against histories made by hand.
#include <utility>

#include "gtest/gtest.h"

#include "tests/sim/checkers/checker.h"
#include "tests/sim/checkers/story.h"

namespace quorate::sim {
namespace {

class SessionsTest : public testing::Test {
 protected:
  SessionsTest() : story_(SettingOfSessions()) {}

  static HistorySetting SettingOfSessions() {
    HistorySetting setting = Setting(3, 1, 1);
    for (auto& [quorums, promise] : setting.promises) promise.sessions = true;
    return setting;
  }

  // An operation of a session that has seen version (1, `seen`), answered with `number`.
  void Do(OperationKind kind, uint64_t seen, uint64_t number) {
    HistoryOperation operation;
    operation.node = 2;
    operation.operation.kind = kind;
    operation.operation.key = "key";
    operation.session = Version::Sequenced(1, seen);
    operation.operation.session = ContextToken("key", operation.session);
    const size_t index = story_.history.Called(kNow, std::move(operation));
    story_.history.Submitted(kNow, index, /*node_not_serving=*/false);
    story_.End(index, Story::Answer(number), 1);
  }

  Story story_;
};

TEST_F(SessionsTest, KnowWhatTheyHaveSeenOrMore) {
  Do(OperationKind::kGet, 2, 2);
  Do(OperationKind::kGet, 2, 5);
  Do(OperationKind::kSet, 2, 3);
  Report report;
  CheckSessions(story_.history, &report);
  EXPECT_TRUE(report.violations.empty());
  EXPECT_EQ(report.sessions_checked, 3u);
}

TEST_F(SessionsTest, ReadsThatGoBackAreSeen) {
  Do(OperationKind::kGet, 2, 1);
  EXPECT_EQ(Violations(CheckSessions, story_.history), 1u);
  Do(OperationKind::kGet, 2, 0);
  EXPECT_EQ(Violations(CheckSessions, story_.history), 2u);
}

TEST_F(SessionsTest, WritesBehindTheirSessionAreSeen) {
  Do(OperationKind::kDelete, 2, 1);
  EXPECT_EQ(Violations(CheckSessions, story_.history), 1u);
}

TEST_F(SessionsTest, OtherOperationsHaveNothingToKnow) {
  story_.Write(1, 2);
  story_.Read(2, 1);
  Report report;
  CheckSessions(story_.history, &report);
  EXPECT_TRUE(report.violations.empty());
  EXPECT_EQ(report.sessions_checked, 0u);
}

}  // namespace
}  // namespace quorate::sim
