#include "loadgen/runner.h"

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

constexpr Nanos kMs = 1'000'000;

// Answers as the test says, in virtual time.
class FakeServer : public OperationSender {
 public:
  using Behaviour = std::function<std::pair<Nanos, RestResult>(const PlannedOperation&)>;

  // `behaviour` gives how long an operation takes, and its result.
  explicit FakeServer(int room, Behaviour behaviour)
      : room_(room), behaviour_(std::move(behaviour)) {}

  bool HasRoom(size_t target) const override {
    const auto busy = busy_.find(target);
    return busy == busy_.end() || busy->second < room_;
  }

  void Send(const PlannedOperation& operation, Callback callback) override {
    ASSERT_TRUE(HasRoom(operation.target));
    sent.push_back(operation);
    ++busy_[operation.target];
    auto [takes, result] = behaviour_(operation);
    ends_.emplace(now + takes,
                  [this, operation, callback = std::move(callback), result = std::move(result)] {
                    --busy_[operation.target];
                    callback(result);
                  });
  }

  Nanos NextEnd() const { return ends_.empty() ? Runner::kNever : ends_.begin()->first; }

  void EndOne() {
    const auto end = ends_.extract(ends_.begin());
    end.mapped()();
  }

  Nanos now = 0;
  std::vector<PlannedOperation> sent;

 private:
  const int room_;
  const Behaviour behaviour_;
  std::map<size_t, int> busy_;
  std::multimap<Nanos, std::function<void()>> ends_;
};

RestResult Ok(uint64_t version) {
  RestResult result;
  result.version = version;
  return result;
}

class RunnerTest : public ::testing::Test {
 protected:
  RunnerTest() {
    options_.workload.seed = 1;
    options_.workload.operations_per_second = 1000;
    options_.workload.writes_per_operation = 0.5;
    options_.workload.keys = 4;
    options_.measured = 1000 * kMs;
  }

  void Start(FakeServer::Behaviour behaviour, int room = 1000) {
    server_ = std::make_unique<FakeServer>(room, std::move(behaviour));
    runner_ = std::make_unique<Runner>(options_, server_.get(), [this] { return server_->now; });
  }

  // Lets virtual time pass until nothing is left to do, or `until`.
  void RunUntil(Nanos until) {
    while (true) {
      const Nanos next = std::min(runner_->NextDue(), server_->NextEnd());
      if (next > until || next == Runner::kNever) break;
      server_->now = std::max(server_->now, next);
      if (server_->NextEnd() <= server_->now) {
        server_->EndOne();
      } else {
        runner_->SendDue();
      }
    }
  }
  const RunStats& Run() {
    RunUntil(Runner::kNever - 1);
    EXPECT_TRUE(runner_->Idle());
    return runner_->stats();
  }

  RunnerOptions options_;
  std::unique_ptr<FakeServer> server_;
  std::unique_ptr<Runner> runner_;
};

TEST_F(RunnerTest, SendsEverythingWhenItIsDue) {
  Start([](const PlannedOperation&) { return std::make_pair(2 * kMs, Ok(1)); });
  const RunStats& stats = Run();
  EXPECT_EQ(stats.scheduled, 1000u);
  EXPECT_EQ(stats.reads.ok + stats.writes.ok, 1000u);
  EXPECT_EQ(stats.send_lag.max(), 0);
  EXPECT_EQ(stats.reads.response.max(), 2 * kMs);
  EXPECT_EQ(stats.missed, 0u);
  EXPECT_EQ(stats.waited, 0u);
  // Those due in the last 2 ms, and the one due just then, end later.
  EXPECT_EQ(stats.ended_in_window, 998u);
  EXPECT_EQ(stats.window, 1000 * kMs);
}

TEST_F(RunnerTest, AStallIsSeenByAllThatWereDueMeanwhile) {
  // From 100 to 300 ms the server answers nothing; a generator that waits for answers would see one
  // slow operation.
  options_.workload.writes_per_operation = 0;
  Start(
      [this](const PlannedOperation&) {
        const Nanos now = server_->now;
        const bool stalled = now >= 100 * kMs && now < 300 * kMs;
        return std::make_pair(stalled ? 300 * kMs - now : kMs, Ok(0));
      },
      /*room=*/1);
  const RunStats& stats = Run();
  EXPECT_EQ(stats.reads.ok, 1000u);
  EXPECT_GE(stats.reads.response.max(), 199 * kMs);
  EXPECT_GE(stats.reads.response.ValueAtQuantile(0.9), 150 * kMs);
  EXPECT_LE(stats.reads.service.ValueAtQuantile(0.99), 2 * kMs);
  EXPECT_GT(stats.send_lag.ValueAtQuantile(0.9), 100 * kMs);
  EXPECT_GT(stats.waited, 800u);
}

TEST_F(RunnerTest, MissesWhatCannotWait) {
  options_.max_waiting = 10;
  Start([](const PlannedOperation&) { return std::make_pair(5 * kMs, Ok(1)); }, /*room=*/1);
  const RunStats& stats = Run();
  EXPECT_EQ(stats.scheduled, 1000u);
  EXPECT_EQ(stats.reads.ok + stats.writes.ok + stats.missed, 1000u);
  EXPECT_NEAR(static_cast<double>(stats.missed), 790, 5);
}

TEST_F(RunnerTest, DropWaitingCountsThemAsMissed) {
  Start([](const PlannedOperation&) { return std::make_pair(100 * kMs, Ok(1)); }, /*room=*/1);
  RunUntil(1000 * kMs);
  EXPECT_EQ(runner_->NextDue(), Runner::kNever);
  EXPECT_FALSE(runner_->Idle());
  runner_->DropWaiting();
  const RunStats& stats = Run();
  EXPECT_EQ(stats.reads.ok + stats.writes.ok + stats.missed, 1000u);
  EXPECT_GT(stats.missed, 980u);
}

TEST_F(RunnerTest, WarmUpDoesNotCount) {
  options_.warm_up = 500 * kMs;
  Start([](const PlannedOperation& operation) {
    const bool early = operation.due < 500 * kMs;
    return std::make_pair(early ? 50 * kMs : kMs, Ok(1));
  });
  const RunStats& stats = Run();
  EXPECT_EQ(server_->sent.size(), 1500u);
  EXPECT_EQ(stats.scheduled, 1000u);
  EXPECT_EQ(stats.reads.ok + stats.writes.ok, 1000u);
  EXPECT_EQ(stats.reads.response.max(), kMs);
}

TEST_F(RunnerTest, StopEndsScheduleAndWindow) {
  options_.warm_up = 100 * kMs;
  Start([](const PlannedOperation&) { return std::make_pair(kMs, Ok(1)); });
  RunUntil(400 * kMs);
  server_->now = 401 * kMs;
  runner_->Stop();
  const RunStats& stats = Run();
  EXPECT_EQ(stats.window, 301 * kMs);
  EXPECT_EQ(stats.scheduled, 301u);
  EXPECT_EQ(server_->sent.size(), 401u);
}

TEST_F(RunnerTest, OutcomesAreCountedApart) {
  Start([](const PlannedOperation& operation) {
    RestResult result = Ok(1);
    if (operation.index % 4 == 0) result.status = absl::UnavailableError("no");
    result.may_have_applied = operation.write && operation.index % 8 == 0;
    return std::make_pair(kMs, result);
  });
  const RunStats& stats = Run();
  const OperationStats& reads = stats.reads;
  const OperationStats& writes = stats.writes;
  EXPECT_EQ(reads.ok + writes.ok, 750u);
  EXPECT_EQ(reads.failed + writes.failed + writes.unknown, 250u);
  EXPECT_GT(writes.unknown, 30u);
  EXPECT_GT(writes.failed, 30u);
  EXPECT_EQ(reads.unknown, 0u);
  EXPECT_EQ(reads.response.count(), reads.ok);
  EXPECT_EQ(stats.failures.at("no"), 250u);
}

TEST_F(RunnerTest, FewFailureMessagesAreToldApart) {
  Start([](const PlannedOperation& operation) {
    RestResult result;
    result.status = absl::UnavailableError(std::to_string(operation.index));
    return std::make_pair(kMs, result);
  });
  const RunStats& stats = Run();
  EXPECT_LE(stats.failures.size(), 9u);
  EXPECT_EQ(stats.failures.at("others"), 992u);
}

TEST_F(RunnerTest, OldVersionsAfterAnAcknowledgementAreStale) {
  // Writes give growing versions; reads see the newest for 600 ms, and nothing newer afterwards.
  uint64_t version = 0;
  uint64_t visible = 0;
  options_.workload.keys = 1;
  Start([&](const PlannedOperation& operation) {
    if (operation.write) ++version;
    if (server_->now < 600 * kMs) visible = version;
    return std::make_pair(kMs / 2, Ok(operation.write ? version : visible));
  });
  const RunStats& stats = Run();
  EXPECT_GT(stats.stale_reads, 150u);
  EXPECT_LT(stats.stale_reads, 250u);
  EXPECT_EQ(stats.absent_reads, stats.reads.ok);  // this server never has a value
}

TEST_F(RunnerTest, UnknownAndRunningWritesMakeNoReadStale) {
  options_.workload.keys = 1;
  Start([](const PlannedOperation& operation) {
    RestResult result = Ok(operation.write ? operation.index + 1 : 0);
    if (!operation.write) return std::make_pair(kMs, result);
    if (operation.index % 2 == 0) return std::make_pair(10'000 * kMs, result);
    result.status = absl::DeadlineExceededError("late");
    result.may_have_applied = true;
    return std::make_pair(kMs, result);
  });
  EXPECT_EQ(Run().stale_reads, 0u);
}

TEST_F(RunnerTest, ValuesOfOtherKeysAreWrongAndNotStale) {
  Start([this](const PlannedOperation& operation) {
    RestResult result = Ok(operation.write ? 5 : 1);
    result.found = true;
    result.value = runner_->workload().KeyName(3) + ":0:";
    return std::make_pair(kMs, result);
  });
  const RunStats& stats = Run();
  EXPECT_NEAR(static_cast<double>(stats.wrong_values), static_cast<double>(stats.reads.ok) * 0.75,
              100);
  EXPECT_LT(stats.stale_reads, stats.reads.ok - stats.wrong_values + 1);
}

TEST_F(RunnerTest, IntervalsHoldWhatEndedInThem) {
  options_.warm_up = 100 * kMs;
  Start([](const PlannedOperation&) { return std::make_pair(0 * kMs, Ok(1)); });
  RunUntil(99 * kMs);
  const IntervalStats first = runner_->TakeInterval();
  EXPECT_TRUE(first.warm_up);
  EXPECT_EQ(first.ended, 100u);
  EXPECT_EQ(first.response.count(), 100u);
  RunUntil(199 * kMs);
  const IntervalStats second = runner_->TakeInterval();
  EXPECT_EQ(second.ended, 100u);
  EXPECT_EQ(second.from, 99 * kMs);
  EXPECT_EQ(second.to, 199 * kMs);
}

}  // namespace
}  // namespace quorate::loadgen
