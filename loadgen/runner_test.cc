#include "loadgen/runner.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

using ::testing::ElementsAre;

constexpr Nanos kMs = 1'000'000;

// A Reply that owns its value.
struct Result {
  Reply reply;
  std::string value;
};

// An operation as the sender sees it.
struct Sent {
  uint64_t tag = 0;
  bool write = false;
  size_t target = 0;
  size_t key = 0;
  std::string key_name;
  std::string value;
  Nanos at = 0;
  size_t number = 0;  // from 0
};

// Answers as the test says, in virtual time.
class FakeServer : public OperationSender {
 public:
  using Behaviour = std::function<std::pair<Nanos, Result>(const Sent&)>;

  // `behaviour` gives how long an operation takes, and its result.
  FakeServer(int room, Behaviour behaviour) : room_(room), behaviour_(std::move(behaviour)) {}

  bool HasRoom(size_t target) const override {
    const auto busy = busy_.find(target);
    return busy == busy_.end() || busy->second < room_;
  }

  void Send(uint64_t tag, const Request& request) override {
    ASSERT_TRUE(HasRoom(request.target));
    ASSERT_TRUE(tags_.insert(tag).second) << "a tag that is in flight";
    sent.push_back(Sent{tag, request.write, request.target, request.key_number,
                        std::string(request.key), std::string(request.value), now, sent.size()});
    ++busy_[request.target];
    auto [takes, result] = behaviour_(sent.back());
    ends_.emplace(now + takes, std::make_pair(sent.back(), std::move(result)));
  }

  Nanos NextEnd() const { return ends_.empty() ? Runner::kNever : ends_.begin()->first; }

  void EndOne(ReplyHandler* handler) {
    const auto end = ends_.extract(ends_.begin());
    auto& [operation, result] = end.mapped();
    --busy_[operation.target];
    tags_.erase(operation.tag);
    result.reply.value = result.value;
    handler->OnReply(operation.tag, result.reply);
  }

  Nanos now = 0;
  std::vector<Sent> sent;

 private:
  const int room_;
  const Behaviour behaviour_;
  std::map<size_t, int> busy_;
  std::set<uint64_t> tags_;
  std::multimap<Nanos, std::pair<Sent, Result>> ends_;
};

Result Ok(uint64_t version) {
  Result result;
  result.reply.version = version;
  result.reply.order = Order{0, version, 0};
  return result;
}

Result Failed(absl::Status status, bool may_have_applied) {
  Result result;
  result.reply.status = std::move(status);
  result.reply.may_have_applied = may_have_applied;
  return result;
}

// Everything takes so long and goes well.
FakeServer::Behaviour Always(Nanos takes) {
  return [takes](const Sent&) { return std::make_pair(takes, Ok(1)); };
}

class RunnerTest : public ::testing::Test {
 protected:
  RunnerTest() {
    options_.workload.seed = 1;
    options_.workload.writes_per_operation = 0.5;
    options_.workload.keys = 4;
    options_.operations_per_second = 1000;
    options_.measured = 1000 * kMs;
  }

  void Start(FakeServer::Behaviour behaviour, int room = 1000) {
    server_ = std::make_unique<FakeServer>(room, std::move(behaviour));
    runner_ = std::make_unique<Runner>(
        options_, server_.get(), [this] { return server_->now; }, observers_);
  }

  // Lets virtual time pass until nothing is left to do, or `until`.
  void RunUntil(Nanos until) {
    while (!runner_->Done()) {
      const Nanos wake = runner_->NextWake();
      const Nanos next = std::min(wake, server_->NextEnd());
      ASSERT_NE(next, Runner::kNever) << "the runner waits for nothing";
      if (next > until) break;
      server_->now = std::max(server_->now, next);
      if (server_->NextEnd() <= server_->now && server_->NextEnd() < wake) {
        server_->EndOne(runner_.get());
      }
      runner_->Advance();
    }
  }
  const RunStats& Run() {
    RunUntil(Runner::kNever - 1);
    EXPECT_TRUE(runner_->Done());
    return runner_->stats();
  }

  // The dues of a run, which is what was sent where there is room.
  std::vector<Nanos> SendTimes() const {
    std::vector<Nanos> times;
    for (const Sent& sent : server_->sent) times.push_back(sent.at);
    return times;
  }

  RunnerOptions options_;
  std::vector<Observer*> observers_;
  std::unique_ptr<FakeServer> server_;
  std::unique_ptr<Runner> runner_;
};

// ---- Mixes ----

TEST_F(RunnerTest, TheWriteOfAPairFollowsItsRead) {
  options_.workload.mix = FindMix("f").value();
  Start(Always(3 * kMs));
  const RunStats& stats = Run();
  EXPECT_EQ(stats.reads.ok, 1000u);
  EXPECT_NEAR(static_cast<double>(stats.writes.ok), 500, 80);
  EXPECT_EQ(stats.scheduled, stats.reads.ok + stats.writes.ok);
  EXPECT_EQ(stats.missed, 0u);
  EXPECT_EQ(stats.read_modify_writes.count(), stats.writes.ok);
  EXPECT_EQ(stats.writes.response.max(), 3 * kMs) << "counts from the end of the read";
  EXPECT_EQ(stats.read_modify_writes.min(), 6 * kMs);
  EXPECT_EQ(stats.read_modify_writes.max(), 6 * kMs);
  std::map<size_t, Nanos> read_at;  // by key
  for (const Sent& sent : server_->sent) {
    if (!sent.write) {
      read_at[sent.key] = std::max(read_at[sent.key], sent.at);
    } else {
      EXPECT_GE(sent.at, read_at[sent.key]);
    }
  }
}

TEST_F(RunnerTest, NoWriteFollowsAReadThatFailed) {
  options_.workload.mix = FindMix("f").value();
  Start([](const Sent& sent) {
    return std::make_pair(
        kMs, sent.number < 500 ? Failed(absl::UnavailableError("away"), false) : Ok(1));
  });
  const RunStats& stats = Run();
  EXPECT_EQ(stats.reads.failed, 500u);
  EXPECT_NEAR(static_cast<double>(stats.writes.ok), 250, 60);
}

TEST_F(RunnerTest, PairsOfAClosedLoopTakeOnePlaceInFlight) {
  options_.workload.mix = FindMix("f").value();
  options_.closed_loop = 5;
  Start(Always(kMs));
  const RunStats& stats = Run();
  // Five at a time for a second, of a millisecond each.
  EXPECT_NEAR(static_cast<double>(stats.reads.ok + stats.writes.ok), 5000, 10);
  EXPECT_GT(stats.writes.ok, 1000u);
}

TEST_F(RunnerTest, InsertedKeysFollowEachOtherAndAreReadOnceTheyAreThere) {
  options_.workload.mix = FindMix("d").value();
  options_.workload.max_inserted_keys = 1000;
  options_.workload.choose_key = [](uint64_t, Nanos, uint64_t born) { return born - 1; };
  Start(Always(5 * kMs));
  const RunStats& stats = Run();
  EXPECT_NEAR(static_cast<double>(stats.writes.ok), 50, 30);
  size_t next = options_.workload.keys;
  std::map<size_t, Nanos> written_at;
  for (const Sent& sent : server_->sent) {
    if (sent.write) {
      EXPECT_EQ(sent.key, next++);
      written_at[sent.key] = sent.at;
    } else if (sent.key >= options_.workload.keys) {
      ASSERT_EQ(written_at.count(sent.key), 1u);
      EXPECT_GE(sent.at, written_at[sent.key] + 5 * kMs);
    }
  }
}

TEST_F(RunnerTest, WhereNoKeyCanBeInsertedTheNewestIsWritten) {
  options_.workload.mix = FindMix("d").value();
  options_.workload.max_inserted_keys = 2;
  Start(Always(kMs));
  Run();
  size_t writes = 0;
  for (const Sent& sent : server_->sent) {
    if (!sent.write) continue;
    if (++writes > 3) {
      EXPECT_EQ(sent.key, options_.workload.keys + 1);
    }
  }
  EXPECT_GT(writes, 3u);
}

TEST_F(RunnerTest, AnInsertThatFailedIsMadeAgain) {
  options_.workload.mix = FindMix("d").value();
  options_.workload.max_inserted_keys = 1000;
  bool failed = false;
  Start([&failed](const Sent& sent) {
    if (!sent.write || failed) return std::make_pair(kMs, Ok(1));
    failed = true;
    return std::make_pair(kMs, Failed(absl::DeadlineExceededError("late"), true));
  });
  Run();
  size_t writes_of_first = 0;
  for (const Sent& sent : server_->sent) {
    if (sent.write && sent.key == options_.workload.keys) ++writes_of_first;
  }
  EXPECT_EQ(writes_of_first, 2u);
}

// ---- The open loop ----

TEST_F(RunnerTest, SendsEverythingWhenItIsDue) {
  Start(Always(2 * kMs));
  const RunStats& stats = Run();
  EXPECT_EQ(stats.scheduled, 1000u);
  EXPECT_EQ(stats.reads.ok + stats.writes.ok, 1000u);
  EXPECT_EQ(stats.send_lag.max(), 0);
  EXPECT_EQ(stats.reads.response.max(), 2 * kMs);
  EXPECT_EQ(stats.missed, 0u);
  EXPECT_EQ(stats.waited, 0u);
  // Those due in the last 2 ms, and the one that ends just then, end later.
  EXPECT_EQ(stats.ended_in_window, 998u);
  EXPECT_EQ(stats.window, 1000 * kMs);
  EXPECT_EQ(stats.closed_loop, 0u);
}

TEST_F(RunnerTest, AStallIsSeenByAllThatWereDueMeanwhile) {
  // From 100 to 300 ms the server answers nothing; a generator that waits for answers would see one
  // slow operation.
  options_.workload.writes_per_operation = 0;
  Start(
      [this](const Sent&) {
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

TEST_F(RunnerTest, ASlowGeneratorKeepsTheResponseClockRunning) {
  Start(Always(kMs));
  // Nobody calls Advance for half a second: those that were due meanwhile leave late.
  RunUntil(200 * kMs);
  server_->now = 700 * kMs;
  const RunStats& stats = Run();
  EXPECT_EQ(stats.reads.ok + stats.writes.ok, 1000u);
  EXPECT_NEAR(static_cast<double>(stats.send_lag.max()), 500.0 * kMs, 2.0 * kMs);
  EXPECT_GE(std::max(stats.reads.response.max(), stats.writes.response.max()), 499 * kMs);
  EXPECT_LE(stats.reads.service.ValueAtQuantile(0.9), 2 * kMs);
}

TEST_F(RunnerTest, PoissonSpacingIsThatOfTheSeed) {
  options_.spacing = Spacing::kPoisson;
  Start(Always(kMs));
  const uint64_t scheduled = Run().scheduled;
  EXPECT_NEAR(static_cast<double>(scheduled), 1000, 160);
  const std::vector<Nanos> once = SendTimes();
  Start(Always(5 * kMs));
  Run();
  EXPECT_EQ(SendTimes(), once);
  options_.workload.seed = 2;
  Start(Always(kMs));
  Run();
  EXPECT_NE(SendTimes(), once);
}

TEST_F(RunnerTest, WhatIsSentDoesNotDependOnTheReplies) {
  const auto contents = [this] {
    std::vector<std::string> all;
    for (const Sent& sent : server_->sent) all.push_back(sent.key_name + " " + sent.value);
    return all;
  };
  Start(Always(kMs));
  Run();
  const std::vector<std::string> once = contents();
  Start([](const Sent& sent) {
    return std::make_pair(static_cast<Nanos>(sent.number % 3 + 1) * kMs,
                          Failed(absl::UnavailableError("no"), sent.write));
  });
  Run();
  EXPECT_EQ(contents(), once);
}

TEST_F(RunnerTest, MissesWhatCannotWait) {
  options_.max_waiting = 10;
  Start(Always(5 * kMs), /*room=*/1);
  const RunStats& stats = Run();
  EXPECT_EQ(stats.scheduled, 1000u);
  EXPECT_EQ(stats.reads.ok + stats.writes.ok + stats.missed, 1000u);
  EXPECT_NEAR(static_cast<double>(stats.missed), 790, 5);
}

TEST_F(RunnerTest, WhatStillWaitsLongAfterTheScheduleIsMissed) {
  options_.drop_waiting_after = 1000 * kMs;
  Start(Always(100 * kMs), /*room=*/1);
  const RunStats& stats = Run();
  EXPECT_EQ(stats.reads.ok + stats.writes.ok + stats.missed, 1000u);
  EXPECT_NEAR(static_cast<double>(stats.missed), 979, 2);
  EXPECT_LE(server_->now, 2200 * kMs);
}

TEST_F(RunnerTest, StopEndsScheduleAndWindow) {
  options_.warm_up = 100 * kMs;
  Start(Always(kMs / 2));
  RunUntil(400 * kMs);
  server_->now = 401 * kMs;
  runner_->Stop();
  const RunStats& stats = Run();
  EXPECT_NEAR(static_cast<double>(stats.window), 301.0 * kMs, 1.0 * kMs);
  EXPECT_NEAR(static_cast<double>(stats.scheduled), 301, 1);
  EXPECT_NEAR(static_cast<double>(server_->sent.size()), 401, 1);
  EXPECT_EQ(stats.reads.ok + stats.writes.ok, stats.scheduled);
}

TEST_F(RunnerTest, StopBeforeAnythingIsMeasuredMeasuresNothing) {
  options_.load_keys = true;
  options_.warm_up = 100 * kMs;
  Start(Always(kMs));
  RunUntil(50 * kMs);
  runner_->Stop();
  const RunStats& stats = Run();
  EXPECT_EQ(stats.scheduled, 0u);
  EXPECT_EQ(stats.window, 0);
  EXPECT_EQ(stats.reads.ok + stats.writes.ok, 0u);
  EXPECT_LT(server_->now, 60 * kMs);
}

// ---- Phases ----

std::vector<Phase> Phases(const RunStats& stats) {
  std::vector<Phase> phases;
  for (const PhaseSpan& span : stats.phases) phases.push_back(span.phase);
  return phases;
}

TEST_F(RunnerTest, WarmUpDoesNotCount) {
  options_.warm_up = 500 * kMs;
  Start([this](const Sent&) {
    return std::make_pair(server_->now < 500 * kMs ? 50 * kMs : kMs, Ok(1));
  });
  const RunStats& stats = Run();
  EXPECT_EQ(server_->sent.size(), 1500u);
  EXPECT_EQ(stats.scheduled, 1000u);
  EXPECT_EQ(stats.reads.ok + stats.writes.ok, 1000u);
  EXPECT_EQ(stats.reads.response.max(), kMs);
}

TEST_F(RunnerTest, TheBacklogOfTheWarmUpIsGoneBeforeTheMeasuredPhase) {
  options_.warm_up = 500 * kMs;
  // The warm-up needs twice its time.
  Start(
      [](const Sent& sent) { return std::make_pair(sent.number < 500 ? 2 * kMs : kMs / 2, Ok(1)); },
      /*room=*/1);
  const RunStats& stats = Run();
  ASSERT_THAT(Phases(stats), ElementsAre(Phase::kWarmUp, Phase::kMeasure, Phase::kDrain));
  EXPECT_EQ(stats.window_start, 1000 * kMs);
  EXPECT_EQ(stats.phases[1].start, 1000 * kMs);
  EXPECT_EQ(stats.phases[1].end, 2000 * kMs);
  EXPECT_EQ(stats.scheduled, 1000u);
  EXPECT_EQ(stats.reads.response.max(), kMs / 2);
}

TEST_F(RunnerTest, ALoadPhaseWritesEveryKeyOnce) {
  options_.load_keys = true;
  options_.load_in_flight = 3;
  options_.workload.keys = 100;
  options_.workload.writes_per_operation = 0;
  int in_flight_max = 0;
  Start([&](const Sent& sent) {
    in_flight_max = std::max(in_flight_max, static_cast<int>(sent.tag) + 1);
    if (sent.key == 17 && sent.write) {
      return std::make_pair(kMs, Failed(absl::UnavailableError("no"), true));
    }
    return std::make_pair(kMs, Ok(1));
  });
  const RunStats& stats = Run();
  std::multiset<size_t> written;
  for (const Sent& sent : server_->sent) {
    if (sent.write) written.insert(sent.key);
  }
  EXPECT_EQ(written.size(), 100u);
  EXPECT_EQ(std::set<size_t>(written.begin(), written.end()).size(), 100u);
  EXPECT_EQ(in_flight_max, 3);
  EXPECT_EQ(stats.loaded, 99u);
  EXPECT_EQ(stats.load_failures, 1u);
  EXPECT_EQ(stats.writes.ok + stats.writes.unknown, 0u);
  EXPECT_EQ(stats.reads.ok, 1000u);
  ASSERT_THAT(Phases(stats), ElementsAre(Phase::kLoad, Phase::kMeasure, Phase::kDrain));
  EXPECT_EQ(stats.window_start, stats.phases[0].end);
}

TEST_F(RunnerTest, ARampGrowsToTheRate) {
  options_.ramp = 1000 * kMs;
  options_.warm_up = 100 * kMs;
  Start(Always(kMs));
  const RunStats& stats = Run();
  EXPECT_THAT(Phases(stats),
              ElementsAre(Phase::kRamp, Phase::kWarmUp, Phase::kMeasure, Phase::kDrain));
  EXPECT_EQ(stats.scheduled, 1000u);
  const auto before = [this](Nanos time) {
    return std::count_if(server_->sent.begin(), server_->sent.end(),
                         [time](const Sent& sent) { return sent.at < time; });
  };
  EXPECT_NEAR(static_cast<double>(before(500 * kMs)), 125, 2);
  EXPECT_NEAR(static_cast<double>(before(1000 * kMs)), 500, 2);
}

// ---- The closed loop ----

TEST_F(RunnerTest, AClosedLoopKeepsItsOperationsInFlight) {
  options_.closed_loop = 8;
  Start(Always(4 * kMs));
  const RunStats& stats = Run();
  EXPECT_EQ(stats.closed_loop, 8u);
  EXPECT_EQ(stats.reads.ok + stats.writes.ok, 2000u);
  EXPECT_EQ(stats.scheduled, 2000u);
  EXPECT_EQ(stats.reads.response.max(), 4 * kMs);
  EXPECT_EQ(stats.send_lag.max(), 0);
  for (const Sent& sent : server_->sent) ASSERT_LT(sent.tag, 8u);
}

TEST_F(RunnerTest, SessionsOfAClosedLoopWaitForRoom) {
  options_.closed_loop = 8;
  Start(Always(kMs), /*room=*/2);
  const RunStats& stats = Run();
  EXPECT_NEAR(static_cast<double>(stats.reads.ok + stats.writes.ok), 2000, 10);
  EXPECT_EQ(stats.missed, 0u);
  EXPECT_EQ(stats.reads.response.ValueAtQuantile(0.5), stats.reads.response.max());
  EXPECT_NEAR(static_cast<double>(stats.reads.response.max()), 4.0 * kMs, 0.01 * kMs);
}

TEST_F(RunnerTest, ASessionRestsAfterAFailure) {
  options_.closed_loop = 2;
  Start([](const Sent& sent) {
    return std::make_pair(Nanos{0}, Failed(absl::UnavailableError("away"), sent.write));
  });
  const RunStats& stats = Run();
  // Ten milliseconds each.
  EXPECT_NEAR(static_cast<double>(stats.scheduled), 200, 4);
  EXPECT_EQ(stats.writes.unknown + stats.reads.failed, stats.scheduled);
}

// ---- Outcomes ----

TEST_F(RunnerTest, OutcomesAreCountedApart) {
  Start([](const Sent& sent) {
    if (sent.number % 4 != 0) return std::make_pair(kMs, Ok(1));
    return std::make_pair(3 * kMs,
                          Failed(absl::UnavailableError("no"), sent.write && sent.number % 8 == 0));
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
  EXPECT_EQ(reads.response.max(), kMs);
  EXPECT_EQ(reads.failed_latency.service.count(), reads.failed);
  EXPECT_EQ(writes.unknown_latency.response.count(), writes.unknown);
  EXPECT_EQ(writes.unknown_latency.response.max(), 3 * kMs);
  EXPECT_EQ(stats.failures.at("no"), 250u);
}

TEST_F(RunnerTest, TimeoutsAreRecordedAtTheirDeadlineAndApart) {
  Start([](const Sent& sent) {
    if (sent.number != 500 && sent.number != 501) return std::make_pair(kMs, Ok(1));
    return std::make_pair(3000 * kMs, Failed(absl::DeadlineExceededError("late"), sent.write));
  });
  const RunStats& stats = Run();
  EXPECT_EQ(stats.reads.timed_out + stats.writes.timed_out, 2u);
  EXPECT_EQ(stats.reads.response.max(), kMs);
  EXPECT_EQ(stats.writes.response.max(), kMs);
  EXPECT_EQ(std::max(stats.reads.failed_latency.response.max(),
                     stats.writes.unknown_latency.response.max()),
            3000 * kMs);
}

TEST_F(RunnerTest, FewFailureMessagesAreToldApart) {
  Start([](const Sent& sent) {
    return std::make_pair(kMs, Failed(absl::UnavailableError(std::to_string(sent.number)), false));
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
  Start([&](const Sent& sent) {
    if (sent.write) ++version;
    if (server_->now < 600 * kMs) visible = version;
    return std::make_pair(kMs / 2, Ok(sent.write ? version : visible));
  });
  const RunStats& stats = Run();
  EXPECT_GT(stats.stale_reads, 150u);
  EXPECT_LT(stats.stale_reads, 250u);
  EXPECT_EQ(stats.absent_reads, stats.reads.ok);  // this server never has a value
}

TEST_F(RunnerTest, UnknownAndRunningWritesMakeNoReadStale) {
  options_.workload.keys = 1;
  Start([](const Sent& sent) {
    if (!sent.write) return std::make_pair(kMs, Ok(0));
    if (sent.number % 2 == 0) return std::make_pair(10'000 * kMs, Ok(sent.number + 1));
    return std::make_pair(kMs, Failed(absl::DeadlineExceededError("late"), true));
  });
  EXPECT_EQ(Run().stale_reads, 0u);
}

TEST_F(RunnerTest, ValuesOfOtherKeysAreWrongAndNotStale) {
  Start([this](const Sent& sent) {
    Result result = Ok(sent.write ? 5 : 1);
    result.reply.found = true;
    result.value = runner_->workload().KeyName(3) + ":0:";
    return std::make_pair(kMs, std::move(result));
  });
  const RunStats& stats = Run();
  EXPECT_NEAR(static_cast<double>(stats.wrong_values), static_cast<double>(stats.reads.ok) * 0.75,
              100);
  EXPECT_LT(stats.stale_reads, stats.reads.ok - stats.wrong_values + 1);
}

// ---- Observers and intervals ----

// Checks what every observer may rely on.
class Witness : public Observer {
 public:
  void OnReadSent(const SentOperation& operation) override { Begin(operation); }
  void OnWriteSent(const SentOperation& operation, absl::string_view value) override {
    EXPECT_FALSE(value.empty());
    Begin(operation);
  }
  void OnReadEnded(const SentOperation& operation, Nanos ended, const Reply& reply) override {
    EXPECT_FALSE(operation.planned.write);
    End(operation, ended, reply);
  }
  void OnWriteEnded(const SentOperation& operation, Nanos ended, const Reply& reply) override {
    EXPECT_TRUE(operation.planned.write);
    End(operation, ended, reply);
  }

  std::map<uint32_t, uint64_t> in_flight;  // session -> index
  size_t sessions = 0;
  size_t begun = 0;
  size_t ended_ok = 0;
  size_t failed = 0;
  size_t measured = 0;

 private:
  void Begin(const SentOperation& operation) {
    EXPECT_TRUE(in_flight.emplace(operation.session, operation.planned.index).second)
        << "a session with two operations in flight";
    EXPECT_GE(operation.sent, operation.planned.due);
    sessions = std::max<size_t>(sessions, operation.session + 1);
    ++begun;
    if (operation.measured) ++measured;
  }
  void End(const SentOperation& operation, Nanos ended, const Reply& reply) {
    const auto found = in_flight.find(operation.session);
    ASSERT_TRUE(found != in_flight.end());
    EXPECT_EQ(found->second, operation.planned.index);
    EXPECT_GE(ended, operation.sent);
    in_flight.erase(found);
    ++(reply.status.ok() ? ended_ok : failed);
  }
};

TEST_F(RunnerTest, ObserversSeeEveryOperationOnceEachWay) {
  Witness witness;
  observers_ = {&witness};
  options_.warm_up = 100 * kMs;
  options_.load_keys = true;
  Start([](const Sent& sent) {
    if (sent.number % 10 == 9) {
      return std::make_pair(4 * kMs, Failed(absl::UnavailableError("no"), false));
    }
    return std::make_pair(static_cast<Nanos>(sent.number % 5) * kMs, Ok(1));
  });
  const RunStats& stats = Run();
  EXPECT_EQ(witness.begun, server_->sent.size());
  EXPECT_EQ(witness.begun, 1104u);
  EXPECT_EQ(witness.ended_ok + witness.failed, witness.begun);
  EXPECT_EQ(witness.measured, stats.scheduled);
  EXPECT_TRUE(witness.in_flight.empty());
  EXPECT_LE(witness.sessions, 8u);  // without gaps
}

TEST_F(RunnerTest, IntervalsHoldWhatHappenedInThem) {
  options_.warm_up = 100 * kMs;
  Start(Always(0));
  RunUntil(99 * kMs);
  const IntervalStats first = runner_->TakeInterval();
  EXPECT_TRUE(first.warm_up);
  EXPECT_EQ(first.phase, Phase::kWarmUp);
  EXPECT_EQ(first.ended, 100u);
  EXPECT_EQ(first.response.count(), 100u);
  RunUntil(199 * kMs);
  const IntervalStats second = runner_->TakeInterval();
  EXPECT_EQ(second.ended, 100u);
  EXPECT_EQ(second.from, 99 * kMs);
  EXPECT_EQ(second.to, 199 * kMs);
}

TEST_F(RunnerTest, AnIntervalIsMeasuredUnlessMoreThanALittleOfItLiesBefore) {
  options_.warm_up = 100 * kMs;
  for (const Nanos taken : {99 * kMs, 50 * kMs}) {
    Start(Always(0));
    RunUntil(taken);
    EXPECT_TRUE(runner_->TakeInterval().warm_up);
    RunUntil(taken + 100 * kMs);
    EXPECT_EQ(runner_->TakeInterval().warm_up, taken == 50 * kMs);
    RunUntil(taken + 200 * kMs);
    EXPECT_FALSE(runner_->TakeInterval().warm_up);
  }
}

TEST_F(RunnerTest, TheIntervalsOfARunAddUpToIt) {
  options_.max_waiting = 20;
  Start(
      [](const Sent& sent) {
        if (sent.number % 7 == 0) {
          return std::make_pair(2 * kMs, Failed(absl::UnavailableError("no"), sent.write));
        }
        if (sent.number % 100 == 0) return std::make_pair(200 * kMs, Ok(1));
        return std::make_pair(kMs, Ok(1));
      },
      /*room=*/1);
  IntervalStats sum;
  for (Nanos until = 100 * kMs; !runner_->Done(); until += 100 * kMs) {
    RunUntil(until);
    server_->now = std::max(server_->now, until);
    const IntervalStats part = runner_->TakeInterval();
    sum.offered += part.offered;
    sum.sent += part.sent;
    sum.ended += part.ended;
    sum.reads_ok += part.reads_ok;
    sum.writes_ok += part.writes_ok;
    sum.failed += part.failed;
    sum.unknown += part.unknown;
    sum.waited += part.waited;
    sum.missed += part.missed;
    sum.absent += part.absent;
    sum.response.Merge(part.response);
    sum.service.Merge(part.service);
    sum.send_lag.Merge(part.send_lag);
    EXPECT_EQ(sum.sent - sum.ended, part.in_flight);
    EXPECT_EQ(sum.offered - sum.sent - sum.missed, part.waiting);
  }
  const RunStats& stats = runner_->stats();
  EXPECT_EQ(sum.offered, stats.scheduled);
  EXPECT_EQ(sum.reads_ok, stats.reads.ok);
  EXPECT_EQ(sum.writes_ok, stats.writes.ok);
  EXPECT_EQ(sum.failed, stats.reads.failed + stats.writes.failed);
  EXPECT_EQ(sum.unknown, stats.writes.unknown);
  EXPECT_EQ(sum.waited, stats.waited);
  EXPECT_EQ(sum.missed, stats.missed);
  EXPECT_EQ(sum.absent, stats.absent_reads);
  EXPECT_GT(sum.missed, 0u);
  EXPECT_EQ(sum.response.count(), stats.reads.ok + stats.writes.ok);
  EXPECT_EQ(sum.send_lag.ValueAtQuantile(0.99), stats.send_lag.ValueAtQuantile(0.99));
  const IntervalSummary summary(sum);
  EXPECT_EQ(summary.missed, stats.missed);
  EXPECT_EQ(summary.response.max,
            std::max(stats.reads.response.max(), stats.writes.response.max()));
}

}  // namespace
}  // namespace quorate::loadgen
