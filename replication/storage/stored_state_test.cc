#include "replication/storage/stored_state.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "replication/storage/memory_engine.h"

namespace quorate {
namespace {

using testing::HasSubstr;

// A memory engine stands here for a disk: it outlives the lives.
class StoredStateTest : public testing::Test {
 protected:
  static NewLife Life(Durability durability, Incarnation incarnation,
                      const std::string& boot = "monday") {
    NewLife life;
    life.cluster = "c";
    life.node = 7;
    life.strategy = "leaderless";
    life.durability = durability;
    life.boot = boot;
    life.incarnation = incarnation;
    return life;
  }

  // A life that has come to know its past, or has not.
  StoredState Live(const NewLife& life, bool knows_past = true, uint64_t through = 0) {
    absl::StatusOr<StoredState> state = BeginLife(&disk_, life);
    EXPECT_TRUE(state.ok()) << state.status();
    if (knows_past) state->set_complete(true);
    state->set_through(through);
    EXPECT_TRUE(disk_.Apply({{kStateKey, state->SerializeAsString()}}).ok());
    return *state;
  }

  std::string Refusal(const NewLife& life) {
    const absl::StatusOr<StoredState> state = BeginLife(&disk_, life);
    EXPECT_EQ(state.status().code(), absl::StatusCode::kFailedPrecondition);
    return std::string(state.status().message());
  }

  MemoryEngine disk_;
};

TEST_F(StoredStateTest, FirstLifeKnowsNothing) {
  const absl::StatusOr<StoredState> state = BeginLife(&disk_, Life(Durability::kSynced, 11));
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_FALSE(state->complete());
  EXPECT_EQ(state->incarnation(), 11u);
  EXPECT_EQ(state->node(), 7u);
}

TEST_F(StoredStateTest, SyncedKeepsWhatItAcknowledgedInACrash) {
  Live(Life(Durability::kSynced, 11), /*knows_past=*/true, /*through=*/7);
  const StoredState state = *BeginLife(&disk_, Life(Durability::kSynced, 12, "tuesday"));
  EXPECT_TRUE(state.complete());
  EXPECT_EQ(state.through(), 0u) << "one before the last may be missing";
  EXPECT_EQ(state.incarnation(), 12u) << "dots that were not synced may be on other nodes";
}

// A process that dies takes nothing away that it had applied: its dots stay known.
TEST_F(StoredStateTest, TheEndOfAProcessKeepsTheIncarnation) {
  for (const Durability durability : {Durability::kOs, Durability::kSynced}) {
    disk_ = MemoryEngine();
    Live(Life(durability, 11), /*knows_past=*/true, /*through=*/7);
    const StoredState state = *BeginLife(&disk_, Life(durability, 12));
    EXPECT_EQ(state.incarnation(), 11u);
    EXPECT_EQ(state.through(), 7u);
  }
}

TEST_F(StoredStateTest, ACopyOfTheFolderIsNotBelieved) {
  NewLife life = Life(Durability::kSynced, 11);
  life.folder = 100;
  ASSERT_TRUE(EndLife(&disk_, Live(life)).ok());
  life.incarnation = 12;
  life.folder = 200;
  const StoredState state = *BeginLife(&disk_, life);
  EXPECT_FALSE(state.complete());
  EXPECT_EQ(state.incarnation(), 12u);
}

TEST_F(StoredStateTest, ALifeThatDidNotKnowItsPastLeavesNone) {
  Live(Life(Durability::kSynced, 11), /*knows_past=*/false);
  EXPECT_FALSE(BeginLife(&disk_, Life(Durability::kSynced, 12))->complete());
}

TEST_F(StoredStateTest, OsKeepsAsLongAsTheMachineRuns) {
  Live(Life(Durability::kOs, 11));
  EXPECT_TRUE(BeginLife(&disk_, Life(Durability::kOs, 12))->complete());
  Live(Life(Durability::kOs, 12));
  EXPECT_FALSE(BeginLife(&disk_, Life(Durability::kOs, 13, "tuesday"))->complete());
}

TEST_F(StoredStateTest, AnUnknownBootIsNoProof) {
  Live(Life(Durability::kOs, 11, ""));
  EXPECT_FALSE(BeginLife(&disk_, Life(Durability::kOs, 12, ""))->complete());
}

// What counts is the durability of the life that ended.
TEST_F(StoredStateTest, DurabilityMayChangeBetweenLives) {
  Live(Life(Durability::kOs, 11));
  EXPECT_FALSE(BeginLife(&disk_, Life(Durability::kSynced, 12, "tuesday"))->complete());
  Live(Life(Durability::kSynced, 13));
  EXPECT_TRUE(BeginLife(&disk_, Life(Durability::kOs, 14, "wednesday"))->complete());
}

TEST_F(StoredStateTest, CleanEndKeepsTheIncarnation) {
  ASSERT_TRUE(EndLife(&disk_, Live(Life(Durability::kOs, 11))).ok());
  const StoredState second = *BeginLife(&disk_, Life(Durability::kOs, 12, "tuesday"));
  EXPECT_TRUE(second.complete());
  EXPECT_EQ(second.incarnation(), 11u);
  // The mark holds for one start.
  const StoredState third = *BeginLife(&disk_, Life(Durability::kOs, 13, "wednesday"));
  EXPECT_FALSE(third.complete());
  EXPECT_EQ(third.incarnation(), 13u);
}

TEST_F(StoredStateTest, DamageOutweighsACleanEnd) {
  StoredState state = Live(Life(Durability::kSynced, 11));
  state.set_epoch(5);
  state.set_through(9);
  ASSERT_TRUE(EndLife(&disk_, state).ok());
  NewLife life = Life(Durability::kSynced, 12);
  life.engine_has_lost = true;
  const StoredState damaged = *BeginLife(&disk_, life);
  EXPECT_FALSE(damaged.complete());
  EXPECT_EQ(damaged.incarnation(), 12u);
  EXPECT_EQ(damaged.epoch(), 5u) << "an epoch that was adopted stays adopted";
  EXPECT_EQ(damaged.through(), 0u);
}

TEST_F(StoredStateTest, RefusesOtherOwners) {
  Live(Life(Durability::kSynced, 11));
  NewLife life = Life(Durability::kSynced, 12);
  life.cluster = "other";
  EXPECT_THAT(Refusal(life), HasSubstr("cluster 'c'"));
  life = Life(Durability::kSynced, 12);
  life.node = 8;
  EXPECT_THAT(Refusal(life), HasSubstr("node '7'"));
  life = Life(Durability::kSynced, 12);
  life.strategy = "leader_follower";
  EXPECT_THAT(Refusal(life), HasSubstr("strategy 'leaderless'"));
}

TEST_F(StoredStateTest, RefusesOtherPrograms) {
  ASSERT_TRUE(disk_.Apply({{"someone's", "data"}}).ok());
  EXPECT_THAT(Refusal(Life(Durability::kSynced, 11)), HasSubstr("not written by"));
}

TEST_F(StoredStateTest, RefusesLaterFormats) {
  StoredState state = Live(Life(Durability::kSynced, 11));
  state.set_format(99);
  ASSERT_TRUE(disk_.Apply({{kStateKey, state.SerializeAsString()}}).ok());
  EXPECT_THAT(Refusal(Life(Durability::kSynced, 12)), HasSubstr("format 99"));
}

TEST_F(StoredStateTest, SaysThatTheStateIsDamaged) {
  ASSERT_TRUE(disk_.Apply({{kStateKey, "\xff\xff"}}).ok());
  EXPECT_EQ(BeginLife(&disk_, Life(Durability::kSynced, 11)).status().code(),
            absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace quorate
