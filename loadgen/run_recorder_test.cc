#include "loadgen/run_recorder.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/check/history.h"
#include "loadgen/check/sessions.h"
#include "loadgen/check/version_sweep.h"
#include "loadgen/check/zones.h"
#include "loadgen/observer.h"
#include "loadgen/transport.h"
#include "loadgen/value_codec.h"
#include "loadgen/window_recorder.h"
#include "loadgen/workload.h"

namespace quorate::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr uint64_t kWriter = 7;

Reply Answer(uint64_t version) {
  Reply reply;
  reply.version = version;
  reply.order = Order{0, version, 0};
  reply.order_known = true;
  reply.node = "n1";
  return reply;
}

Reply Found(uint64_t version, absl::string_view value) {
  Reply reply = Answer(version);
  reply.found = true;
  reply.value = value;
  return reply;
}

// Plays operations of one key, one after the other, to a recorder.
class Play {
 public:
  explicit Play(size_t history_operations = 100)
      : recorder(RunRecorderOptions{2, 1, kWriter, 10, history_operations}) {}

  void Write(uint64_t index, Nanos sent, Nanos ended, const Reply& reply) {
    const SentOperation operation = Sent(index, true, sent);
    recorder.OnWriteSent(operation, "");
    recorder.OnWriteEnded(operation, ended, reply);
  }
  void Read(uint64_t index, Nanos sent, Nanos ended, const Reply& reply) {
    const SentOperation operation = Sent(index, false, sent);
    recorder.OnReadSent(operation);
    recorder.OnReadEnded(operation, ended, reply);
  }
  // Of another writer's value.
  void ReadOfOthers(uint64_t index, Nanos sent, Nanos ended, uint64_t version) {
    const std::string value = EncodeValue({1, kWriter - 1, version}, 100);
    Read(index, sent, ended, Found(version, value));
  }

  bool measured = true;
  uint32_t session = 3;
  RunRecorder recorder;

 private:
  SentOperation Sent(uint64_t index, bool write, Nanos sent) const {
    SentOperation operation;
    operation.planned.index = index;
    operation.planned.due = sent - 5;
    operation.planned.write = write;
    operation.planned.key = 1;
    operation.session = session;
    operation.measured = measured;
    operation.sent = sent;
    return operation;
  }
};

TEST(RunRecorderTest, WindowsAddUpToWhatWasMeasured) {
  Play play;
  const std::string old_value = EncodeValue({1, kWriter, 0}, 100);
  const Nanos later = 3 * kNanosPerSecond;
  Reply failed;
  failed.status = absl::UnavailableError("away");
  Reply unknown = failed;
  unknown.may_have_applied = true;
  play.Write(0, 10, 20, Answer(1));
  play.Write(1, 30, 40, Answer(2));
  play.Read(2, 50, 60, Found(1, old_value));
  play.Write(3, later, later + 5000, unknown);
  play.Read(4, later, later + 5000, failed);
  play.Read(5, later, later + 5000, Found(1, "not a value of this program"));
  play.measured = false;
  play.Read(6, later, later + 5000, failed);
  play.Read(7, later, later + 5000, Found(1, old_value));
  const std::vector<Window>& windows = play.recorder.windows().windows();
  ASSERT_EQ(windows.size(), 3u);  // the last operations were due 5 ns before the fourth second
  EXPECT_EQ(windows[0].judged, 1u);
  EXPECT_EQ(windows[0].stale, 1u);
  EXPECT_EQ(windows[0].loosely_stale, 1u);
  EXPECT_THAT(windows[0].write_response.NonEmptyBuckets(), ElementsAre(Pair(0, 2)));
  EXPECT_THAT(windows[0].read_response.NonEmptyBuckets(), ElementsAre(Pair(0, 1)));
  EXPECT_EQ(windows[2].failed, 1u);
  EXPECT_EQ(windows[2].unknown, 1u);
  EXPECT_EQ(windows[2].judged, 0u);
  EXPECT_THAT(windows[2].read_response.NonEmptyBuckets(), ElementsAre(Pair(4864, 1)));
}

TEST(RunRecorderTest, StaleReadsAndLatenciesAreKept) {
  Play play;
  const std::string old_value = EncodeValue({1, kWriter, 0}, 100);
  play.Write(0, 10, 20, Answer(1));
  play.Write(1, 30, 40, Answer(2));
  play.Read(2, 50, 60, Found(1, old_value));
  EXPECT_EQ(play.recorder.staleness().stale, 1u);
  ASSERT_EQ(play.recorder.stale_reads().seen(), 1u);
  const StaleReadExample stale = play.recorder.stale_reads().InOrder()[0];
  EXPECT_EQ(stale.key, 1u);
  EXPECT_EQ(stale.expected_version, 2u);
  EXPECT_EQ(stale.actual_version, 1u);
  EXPECT_EQ(stale.since_write, 10);
  EXPECT_THAT(play.recorder.write_latencies().InOrder(), ElementsAre(15, 15));
  EXPECT_THAT(play.recorder.read_latencies().InOrder(), ElementsAre(15));
  EXPECT_THAT(play.recorder.read_write_intervals().InOrder(), ElementsAre(20));
}

TEST(RunRecorderTest, WhatIsNotMeasuredOnlyObliges) {
  Play play;
  play.measured = false;
  play.Write(0, 10, 20, Answer(1));
  EXPECT_EQ(play.recorder.write_latencies().seen(), 0u);
  play.measured = true;
  play.Read(1, 30, 40, Answer(0));
  EXPECT_EQ(play.recorder.staleness().stale, 1u) << "nothing was found where something was written";
  EXPECT_EQ(play.recorder.staleness().absent, 1u);
}

TEST(RunRecorderTest, WrongValuesAreToldApartAndAreNotStale) {
  Play play;
  play.Write(0, 10, 20, Answer(2));
  play.Read(1, 30, 40, Found(1, EncodeValue({0, kWriter, 9}, 100)));
  play.Read(2, 50, 60, Found(1, "damaged"));
  EXPECT_EQ(play.recorder.of_another_key(), 1u);
  EXPECT_EQ(play.recorder.corrupt(), 1u);
  EXPECT_EQ(play.recorder.staleness().stale, 0u);
}

TEST(RunRecorderTest, HistoriesSayWhatWasAskedAndTold) {
  Play play;
  play.Write(0, 10, 20, Answer(4));
  Reply unknown;
  unknown.status = absl::DeadlineExceededError("late");
  unknown.may_have_applied = true;
  play.Write(1, 30, 40, unknown);
  play.Read(2, 50, 60, Found(4, EncodeValue({1, kWriter, 0}, 100)));
  const check::History history = play.recorder.TakeHistory();
  ASSERT_EQ(history.operations.size(), 3u);
  EXPECT_THAT(history.nodes, ElementsAre("n1"));
  const check::Operation& write = history.operations[0];
  EXPECT_TRUE(write.is_write());
  EXPECT_EQ(write.key, 1u);
  EXPECT_EQ(write.session, 3u);
  EXPECT_EQ(write.start, 10);
  EXPECT_EQ(write.end, 20);
  EXPECT_EQ(history.operations[1].outcome, check::Outcome::kUnknown);
  const check::Operation& read = history.operations[2];
  EXPECT_TRUE(read.found);
  EXPECT_EQ(read.value, write.value);
  EXPECT_EQ(read.order, write.order);
}

TEST(RunRecorderTest, WhatAnEarlierRunHasWrittenWasThereBefore) {
  Play play;
  play.Read(0, 10, 20, Found(7, EncodeValue({1, kWriter - 1, 5}, 100)));
  play.Read(1, 30, 40, Found(7, EncodeValue({1, kWriter - 1, 5}, 100)));
  play.Write(2, 50, 60, Answer(8));
  play.Read(3, 70, 80, Found(8, EncodeValue({1, kWriter, 2}, 100)));
  EXPECT_EQ(play.recorder.of_another_key() + play.recorder.corrupt(), 0u);
  const check::History history = play.recorder.TakeHistory();
  ASSERT_EQ(history.operations.size(), 5u);
  const check::Operation& before = history.operations[0];
  EXPECT_TRUE(before.is_write());
  EXPECT_LT(before.end, 0);
  EXPECT_EQ(before.order, history.operations[1].order);
  EXPECT_NE(before.value, 0u);
  EXPECT_EQ(history.operations[1].value, before.value);
  EXPECT_EQ(history.operations[2].value, before.value);
  EXPECT_NE(history.operations[4].value, before.value);
}

// Of a key whose replicas still differ, an earlier run may have left more than one value.
TEST(RunRecorderTest, FurtherValuesOfAnEarlierRunMayHaveComeAtAnyTime) {
  Play play;
  play.Read(0, 10, 20, Found(7, EncodeValue({1, kWriter - 1, 5}, 100)));
  play.Read(1, 30, 40, Found(8, EncodeValue({1, kWriter - 1, 6}, 100)));
  play.Read(2, 50, 60, Found(8, EncodeValue({1, kWriter - 1, 6}, 100)));
  const check::History history = play.recorder.TakeHistory();
  ASSERT_EQ(history.operations.size(), 5u);
  EXPECT_EQ(check::CheckVersionSweep(history, check::Model::kLinearizable).conflicts(), 0u);
  EXPECT_EQ(check::CheckZones(history).conflicts(), 0u);
}

uint64_t Conflicts(const check::History& history, check::Model model) {
  return check::CheckVersionSweep(history, model).conflicts();
}

TEST(RunRecorderTest, WhatAnotherWritesMeanwhileWasNotThereBefore) {
  Play play;
  const std::string own = EncodeValue({1, kWriter, 0}, 100);
  play.Write(0, 10, 20, Answer(1));
  play.Read(1, 30, 40, Found(1, own));
  play.ReadOfOthers(2, 50, 60, 2);
  const check::History history = play.recorder.TakeHistory();
  EXPECT_EQ(Conflicts(history, check::Model::kLinearizable), 0u);
  EXPECT_EQ(check::CheckZones(history).conflicts(), 0u);
}

// Somebody had given up the write of version 8 before the run.
TEST(RunRecorderTest, AWriteOfOthersThatWasReadFirstNeedNotBeDone) {
  Play play;
  play.ReadOfOthers(0, 10, 20, 8);
  play.ReadOfOthers(1, 15, 30, 7);
  play.ReadOfOthers(2, 40, 50, 8);
  const check::History history = play.recorder.TakeHistory();
  EXPECT_EQ(Conflicts(history, check::Model::kRegular), 0u);
  EXPECT_EQ(Conflicts(history, check::Model::kLinearizable), 0u);
  EXPECT_EQ(check::CheckZones(history).conflicts(), 0u);
}

TEST(RunRecorderTest, GoingBackToWhatOthersWroteIsFound) {
  Play play;
  play.ReadOfOthers(0, 10, 20, 7);
  play.Write(1, 30, 40, Answer(8));
  play.ReadOfOthers(2, 50, 60, 7);
  const check::History stale = play.recorder.TakeHistory();
  EXPECT_EQ(Conflicts(stale, check::Model::kRegular), 1u);
  EXPECT_EQ(check::CheckZones(stale).conflicts(), 1u);
  Play other;
  other.ReadOfOthers(0, 10, 20, 8);
  other.ReadOfOthers(1, 30, 40, 7);
  EXPECT_EQ(Conflicts(other.recorder.TakeHistory(), check::Model::kLinearizable), 1u);
}

TEST(RunRecorderTest, WhatOthersWroteIsNoSessions) {
  Play play;
  play.session = 0;
  play.ReadOfOthers(0, 10, 20, 8);
  play.session = 3;
  play.ReadOfOthers(1, 30, 40, 7);
  play.session = 0;
  play.ReadOfOthers(2, 15, 40, 7);
  const check::History history = play.recorder.TakeHistory();
  const check::SessionResults sessions = check::CheckSessions(history);
  EXPECT_EQ(sessions.read_your_writes.conflicts(), 0u);
  EXPECT_EQ(sessions.monotonic_reads.conflicts(), 0u);
}

TEST(RunRecorderTest, ADeleteOfOthersIsAWriteToo) {
  Play play;
  play.Read(0, 10, 20, Answer(4));
  play.Write(1, 30, 40, Answer(5));
  play.Read(2, 50, 60, Answer(6));
  play.Read(3, 70, 80, Answer(6));
  const check::History history = play.recorder.TakeHistory();
  EXPECT_EQ(history.operations.size(), 6u);
  EXPECT_EQ(Conflicts(history, check::Model::kLinearizable), 0u);
  EXPECT_EQ(check::CheckZones(history).conflicts(), 0u);
}

TEST(RunRecorderTest, AValueThatGotLostIsNoDeleteOfOthers) {
  // The version of the write without its value; and nothing at all.
  for (const uint64_t version : {5, 0}) {
    Play play;
    play.Write(0, 10, 20, Answer(5));
    play.Read(1, 30, 40, Answer(version));
    EXPECT_GT(Conflicts(play.recorder.TakeHistory(), check::Model::kRegular), 0u);
  }
}

// Without a leader, the version that stands in for an order may be that of two writes.
TEST(RunRecorderTest, OrdersAreTotalWhereEveryReplyTellsOne) {
  Reply untold = Answer(2);
  untold.order_known = false;
  Reply failed;
  failed.status = absl::UnavailableError("no");
  for (const bool all_tell : {true, false}) {
    Play play;
    play.Write(0, 10, 20, Answer(1));
    play.Write(1, 30, 40, all_tell ? Answer(2) : untold);
    play.Write(2, 50, 60, failed);
    play.Read(3, 70, 80, Found(2, EncodeValue({1, kWriter, 1}, 100)));
    EXPECT_EQ(play.recorder.TakeHistory().order_is_total, all_tell);
  }
  Play play;
  play.Read(0, 10, 20, untold);
  EXPECT_FALSE(play.recorder.TakeHistory().order_is_total);
}

TEST(RunRecorderTest, WithoutAHistoryNothingIsRecorded) {
  Play play(/*history_operations=*/0);
  play.Write(0, 10, 20, Answer(1));
  play.Read(1, 30, 40, Answer(1));
  EXPECT_EQ(play.recorder.staleness().reads, 1u);
}

}  // namespace
}  // namespace quorate::loadgen
