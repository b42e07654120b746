#include "loadgen/delay_probe.h"

#include <algorithm>
#include <atomic>
#include <chrono>
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

using ::testing::Each;

constexpr Nanos kMs = kNanosPerSecond / 1000;
constexpr Nanos kHop = kMs / 10;  // from the client to a server or back

// Three replicas in virtual time. Each applies a write so long after the client has sent it as
// `apply` says, and the write is acknowledged once `w` of them have.
class FakeCluster : public Transport {
 public:
  FakeCluster(std::vector<Nanos> apply, size_t w, Time* now)
      : apply_(std::move(apply)), w_(w), now_(now), in_flight_(apply_.size()) {}

  bool HasRoom(size_t target) const override { return in_flight_[target] < 2; }

  void Send(uint64_t tag, const Request& request) override {
    EXPECT_TRUE(HasRoom(request.target));
    ++in_flight_[request.target];
    targets_[tag] = request.target;
    keys.insert(std::string(request.key));
    Reply reply;
    Nanos takes = 2 * kHop;
    if (request.write) {
      EXPECT_EQ(request.value, "value");
      write_targets.insert(request.target);
      ++writes;
      if (slow_write != 0 && writes == slow_write) slowed_key_at_ = *now_;
      if (fail_writes) {
        reply.status = absl::UnavailableError("no quorum");
      } else {
        std::vector<Nanos> sorted = apply_;
        std::sort(sorted.begin(), sorted.end());
        takes = sorted[w_ - 1] + kHop;
        reply.version = ++version_;
        reply.order = Order{0, version_, 0};
        written_at_[std::string(request.key)] = {*now_, version_};
      }
    } else {
      EXPECT_TRUE(request.local);
      ++polls;
      const auto written = written_at_.find(std::string(request.key));
      if (written != written_at_.end()) {
        const Time looks = *now_ + std::chrono::nanoseconds(kHop);
        const auto& [at, version] = written->second;
        const bool slow = at == slowed_key_at_ && request.target == 1;
        const Nanos takes_it = slow ? 300 * kMs : apply_[request.target];
        const bool shows = looks >= at + std::chrono::nanoseconds(takes_it);
        reply.order = Order{0, shows ? version : before_[std::string(request.key)], 0};
        if (shows && request.target == Slowest()) before_[std::string(request.key)] = version;
      }
    }
    ends_.emplace(*now_ + std::chrono::nanoseconds(takes), std::make_pair(tag, reply));
  }

  void Poll(Time until, ReplyHandler* handler) override {
    // A transport may come back once for every time that it has not been told before.
    if (std::exchange(told_, until) != until) return;
    if (!ends_.empty() && ends_.begin()->first <= until) {
      const auto end = ends_.extract(ends_.begin());
      *now_ = std::max(*now_, end.key());
      --in_flight_[targets_[end.mapped().first]];
      handler->OnReply(end.mapped().first, end.mapped().second);
    } else {
      *now_ = std::max(*now_, until);
    }
    if (*now_ >= stop_at) stop = true;
  }

  std::vector<RestHealth> CheckTargets() override { return {}; }
  bool TargetsAreLocal() const override { return true; }

  std::atomic<bool> stop{false};
  Time stop_at = Time() + std::chrono::seconds(10);
  bool fail_writes = false;
  uint64_t slow_write = 0;  // which one the second replica takes 300 ms for; 0: none
  std::set<std::string> keys;
  std::set<size_t> write_targets;
  uint64_t writes = 0;
  uint64_t polls = 0;

 private:
  size_t Slowest() const {
    return static_cast<size_t>(std::max_element(apply_.begin(), apply_.end()) - apply_.begin());
  }

  const std::vector<Nanos> apply_;
  const size_t w_;
  Time* const now_;
  Time told_;
  Time slowed_key_at_ = Time::max();    // when the slow write was sent
  std::vector<int> in_flight_;          // by target
  std::map<uint64_t, size_t> targets_;  // by tag
  uint64_t version_ = 0;
  std::map<std::string, std::pair<Time, uint64_t>> written_at_;
  std::map<std::string, uint64_t> before_;  // the version that replicas show until then
  std::multimap<Time, std::pair<uint64_t, Reply>> ends_;
};

class DelayProbeTest : public ::testing::Test {
 protected:
  void Run(std::vector<Nanos> apply, size_t w) {
    options_.replicas = apply.size();
    options_.w = static_cast<int>(w);
    options_.key_prefix = "probe-";
    options_.value = "value";
    auto cluster = std::make_unique<FakeCluster>(std::move(apply), w, &now_);
    cluster_ = cluster.get();
    cluster_->fail_writes = fail_writes_;
    cluster_->slow_write = slow_write_;
    probe_ = std::make_unique<DelayProbe>(options_, std::move(cluster), [this] { return now_; });
    probe_->Run(&cluster_->stop);
  }

  Transport::Time now_;
  DelayProbeOptions options_;
  bool fail_writes_ = false;
  uint64_t slow_write_ = 0;
  FakeCluster* cluster_ = nullptr;
  std::unique_ptr<DelayProbe> probe_;
};

TEST_F(DelayProbeTest, FindsTheDelaysThatThereAre) {
  Run({1 * kMs, 5 * kMs, 20 * kMs}, 1);
  const DelaySamples& samples = probe_->estimator().samples();
  ASSERT_GT(samples.writes.size(), 100u);
  EXPECT_EQ(probe_->estimator().never_shown(), 0u);
  EXPECT_EQ(cluster_->keys.size(), 1u);
  for (const WriteDelays& delays : samples.writes) {
    EXPECT_NEAR(delays.write[0], 1 * kMs, 0.2 * kMs);
    EXPECT_NEAR(delays.write[1], 5 * kMs, 0.2 * kMs);
    EXPECT_NEAR(delays.write[2], 20 * kMs, 0.8 * kMs);
    // The write was acknowledged after 1.1 ms.
    EXPECT_NEAR(delays.write[0] + delays.acknowledge[0], 1.1 * kMs, 0.01 * kMs);
  }
  for (const ReadDelays& delays : samples.reads) EXPECT_THAT(delays.read, Each(kHop));
  EXPECT_NEAR(probe_->converged().ValueAtQuantile(0.5), 20 * kMs, 1 * kMs);
}

TEST_F(DelayProbeTest, OneSlowWriteIsOneSlowSample) {
  slow_write_ = 20;
  options_.give_up_after = kNanosPerSecond;
  Run({kMs, 2 * kMs, kMs}, 1);
  const DelaySamples& samples = probe_->estimator().samples();
  ASSERT_GT(samples.writes.size(), 100u);
  const auto slow = [](const WriteDelays& delays) { return delays.write[1] > 4 * kMs; };
  EXPECT_EQ(std::count_if(samples.writes.begin(), samples.writes.end(), slow), 1);
}

TEST_F(DelayProbeTest, RestsAndPollsSlowWritesRarely) {
  options_.interval = 50 * kMs;
  options_.give_up_after = 2 * kNanosPerSecond;
  Run({kMs, kNanosPerSecond}, 1);
  // Ten seconds hold about six writes of a second with half a second of rest after each.
  EXPECT_GE(cluster_->writes, 5u);
  EXPECT_LE(cluster_->writes, 8u);
  EXPECT_LT(cluster_->polls / cluster_->writes, 120u);
}

TEST_F(DelayProbeTest, WritesGoToAnyTargetOrToTheFirst) {
  Run({kMs, kMs, kMs}, 3);
  EXPECT_EQ(cluster_->write_targets.size(), 3u);
  now_ = Transport::Time();
  options_.writes_to_first_target = true;
  Run({kMs, kMs, kMs}, 3);
  EXPECT_EQ(cluster_->write_targets, std::set<size_t>{0});
}

TEST_F(DelayProbeTest, WhatAReplicaDoesNotShowInTimeIsCountedAndTheKeyLeft) {
  options_.give_up_after = 100 * kMs;
  Run({kMs, kNanosPerSecond}, 1);
  EXPECT_GT(probe_->estimator().never_shown(), 10u);
  EXPECT_EQ(probe_->not_converged(), probe_->converged().count());
  EXPECT_NEAR(probe_->converged().ValueAtQuantile(0.5), 100 * kMs, 10 * kMs) << "longer than that";
  EXPECT_EQ(cluster_->keys.size(), cluster_->writes);
}

TEST_F(DelayProbeTest, FailedWritesSayNothing) {
  fail_writes_ = true;
  Run({kMs, kMs}, 1);
  EXPECT_EQ(probe_->estimator().writes(), 0u);
  EXPECT_GT(probe_->failed_writes(), 10u);
  EXPECT_EQ(cluster_->keys.size(), cluster_->writes);
}

}  // namespace
}  // namespace quorate::loadgen
