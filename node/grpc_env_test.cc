#include "node/grpc_env.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

#include "node/poll_loop.h"
#include "replication/storage/memory_engine.h"

namespace quorate {
namespace {

OperationResult Ok() { return OperationResult(); }

KvApi::Callback Ignore() {
  return [](OperationResult) {};
}

TEST(GrpcEnvTest, EffectsAreCollectedInOrderAndHandedOverOnce) {
  GrpcEnv env;
  std::vector<std::string> ended;
  env.Open(1, 10, [&](OperationResult) { ended.push_back("one"); });
  env.Open(2, 20, [&](OperationResult) { ended.push_back("two"); });
  env.Complete(2, Ok());
  env.Complete(1, Ok());
  peer::v1::Batch batch;
  batch.set_sequence(7);
  env.Send(5, batch);
  env.Log("line");
  peer::v1::MemberAddress member;
  member.set_id(9);
  env.LearnMembers({member});
  env.EndDrain();

  Effects effects = env.TakeEffects();
  ASSERT_EQ(effects.results.size(), 2u);
  EXPECT_EQ(effects.results[0].bytes, 20u);
  for (FinishedOperation& finished : effects.results) finished.callback(std::move(finished.result));
  EXPECT_EQ(ended, std::vector<std::string>({"two", "one"}));
  ASSERT_EQ(effects.batches.size(), 1u);
  EXPECT_EQ(effects.batches[0].to, 5u);
  EXPECT_EQ(effects.batches[0].batch.sequence(), 7u);
  EXPECT_EQ(effects.log, std::vector<std::string>({"line"}));
  ASSERT_TRUE(effects.members.has_value());
  EXPECT_EQ(effects.members->at(0).id(), 9u);

  effects = env.TakeEffects();
  EXPECT_TRUE(effects.results.empty() && effects.batches.empty() && effects.log.empty());
  EXPECT_FALSE(effects.members.has_value());
}

TEST(GrpcEnvTest, DeadlineIsTheEarliestOfTimersAndExpiries) {
  GrpcEnv env;
  env.EndDrain();
  EXPECT_EQ(env.NextDeadline(), absl::InfiniteDuration());
  const MonotonicTime now = env.Now();
  env.SetTimer(3, now + absl::Seconds(5));
  env.EndDrain();
  EXPECT_EQ(env.NextDeadline(), now + absl::Seconds(5));
  env.SetTimer(3, now + absl::Seconds(9));  // again: replaced
  env.Open(1, 0, Ignore());
  env.ExpireAt(1, now + absl::Seconds(7));
  env.EndDrain();
  EXPECT_EQ(env.NextDeadline(), now + absl::Seconds(7));
  // An operation that has ended expires no more, in whatever drain it ends.
  env.Complete(1, Ok());
  env.Open(2, 0, Ignore());
  env.ExpireAt(2, now + absl::Seconds(1));
  env.Complete(2, Ok());
  env.EndDrain();
  EXPECT_EQ(env.NextDeadline(), now + absl::Seconds(9));
  EXPECT_TRUE(env.OpenOperations().empty());
}

TEST(GrpcEnvTest, TimeStandsStillDuringADrain) {
  GrpcEnv env;
  const MonotonicTime before = MonotonicNow();
  const MonotonicTime now = env.Now();
  EXPECT_GE(now, before);
  while (MonotonicNow() <= now) {
  }
  EXPECT_EQ(env.Now(), now);
  env.EndDrain();
  EXPECT_GT(env.Now(), now);
}

TEST(GrpcEnvTest, InternalOperationsExpireWithoutACallback) {
  GrpcEnv env;
  const MonotonicTime at = env.Now() + absl::Seconds(3);
  env.ExpireAt(Replica::kFirstInternalId + 1, at);
  env.EndDrain();
  EXPECT_EQ(env.NextDeadline(), at);
}

// A real replica, which reads the time from this Env.
TEST(GrpcEnvTest, FiresWhatIsDue) {
  GrpcEnv env;
  MemoryEngine engine;
  ClusterConfig config;
  config.strategy = "leaderless";
  config.self = 1;
  config.quorums = Quorums{1, 1, 1};
  config.heartbeat_interval = absl::Milliseconds(1);
  StoredState state;
  state.set_complete(true);
  absl::StatusOr<std::unique_ptr<Replica>> replica =
      Replica::Make(config, /*incarnation=*/1, state, &engine, &env);
  ASSERT_TRUE(replica.ok()) << replica.status();
  (*replica)->Start();
  (*replica)->Flush();
  env.EndDrain();
  const MonotonicTime heartbeat = env.NextDeadline();
  EXPECT_LE(heartbeat, MonotonicNow() + config.heartbeat_interval);

  while (MonotonicNow() < heartbeat) {
  }
  env.FireDue(replica->get());
  (*replica)->Flush();
  env.EndDrain();
  EXPECT_GT(env.NextDeadline(), heartbeat);
}

}  // namespace
}  // namespace quorate
