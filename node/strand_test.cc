#include "node/strand.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "gtest/gtest.h"

#include "support/mutex.h"

namespace quorate {
namespace {

// Counts without any lock of its own: the strand alone must keep the threads apart.
class CountingHost : public StrandHost {
 public:
  explicit CountingHost(int drain_size) : drain_size_(drain_size) {}

  bool DrainFull() const override { return in_drain_ >= drain_size_; }
  bool DrainIsOld() override { return old_; }
  void EndDrain() override {
    collected_.push_back(in_drain_);
    in_drain_ = 0;
    old_ = false;
  }
  void PerformEffects() override {
    for (const int effect : collected_) performed_.push_back(effect);
    collected_.clear();
  }
  void WakePoller() override {
    MutexLock lock(&mu_);
    ++wakes_;
    woken_.SignalAll();
  }

  void Work() {
    ++in_drain_;
    ++total_;
  }

  // Waits until it has been woken more often than `seen`, and returns how often.
  int AwaitWake(int seen) {
    MutexLock lock(&mu_);
    while (wakes_ <= seen) woken_.Wait(&mu_);
    return wakes_;
  }
  int wakes() {
    MutexLock lock(&mu_);
    return wakes_;
  }

  // Time passes, until the drain ends.
  void Age() { old_ = true; }

  int total() const { return total_; }
  const std::vector<int>& performed() const { return performed_; }

 private:
  const int drain_size_;
  int in_drain_ = 0;
  bool old_ = false;
  int total_ = 0;
  std::vector<int> collected_;
  std::vector<int> performed_;

  Mutex mu_;
  CondVar woken_;
  int wakes_ ABSL_GUARDED_BY(mu_) = 0;
};

TEST(StrandTest, PostToAnIdleStrandRunsOnTheCallersThread) {
  CountingHost host(10);
  Strand strand(&host);
  std::thread::id ran_on;
  strand.Post(Strand::Kind::kNew, [&] {
    ran_on = std::this_thread::get_id();
    host.Work();
  });
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  EXPECT_EQ(host.performed(), std::vector<int>({1}));
  EXPECT_EQ(host.wakes(), 0);
  EXPECT_FALSE(strand.Run());
}

TEST(StrandTest, EnqueuedWorkWaitsForRun) {
  CountingHost host(10);
  Strand strand(&host);
  for (int i = 0; i < 3; ++i) strand.Enqueue(Strand::Kind::kNew, [&] { host.Work(); });
  EXPECT_EQ(host.total(), 0);
  EXPECT_FALSE(strand.Run());
  EXPECT_EQ(host.total(), 3);
  EXPECT_EQ(host.performed(), std::vector<int>({3}));
}

TEST(StrandTest, RunStopsWhereTheDrainIsFull) {
  CountingHost host(2);
  Strand strand(&host);
  for (int i = 0; i < 5; ++i) strand.Enqueue(Strand::Kind::kNew, [&] { host.Work(); });
  EXPECT_TRUE(strand.Run());
  EXPECT_EQ(host.total(), 2);
  EXPECT_TRUE(strand.Run());
  EXPECT_FALSE(strand.Run());
  EXPECT_EQ(host.performed(), std::vector<int>({2, 2, 1}));
}

TEST(StrandTest, CapturedThreadHandsTheRestToThePoller) {
  CountingHost host(2);
  Strand strand(&host);
  // Posted from inside the drain: the strand is not idle, so the work only waits.
  strand.Post(Strand::Kind::kNew, [&] {
    host.Work();
    for (int i = 0; i < 3; ++i) strand.Post(Strand::Kind::kNew, [&] { host.Work(); });
  });
  EXPECT_EQ(host.total(), 2);
  EXPECT_EQ(host.wakes(), 1);
  EXPECT_FALSE(strand.Run());
  EXPECT_EQ(host.total(), 4);
}

TEST(StrandTest, WorkThatComesWhileADrainGetsOldIsOfTheNextOne) {
  CountingHost host(10);
  Strand strand(&host);
  strand.Post(Strand::Kind::kNew, [&] {
    host.Work();
    strand.Post(Strand::Kind::kOngoing, [&] {
      host.Work();
      strand.Post(Strand::Kind::kOngoing, [&] { host.Work(); });
      host.Age();
    });
  });
  EXPECT_EQ(host.performed(), std::vector<int>({2}));
  EXPECT_EQ(host.wakes(), 1);
  EXPECT_FALSE(strand.Run());
  EXPECT_EQ(host.performed(), std::vector<int>({2, 1}));
}

TEST(StrandTest, WorkRunsInTheOrderOfPosting) {
  CountingHost host(3);
  Strand strand(&host);
  std::vector<int> order;
  for (int i = 0; i < 10; ++i) {
    strand.Enqueue(Strand::Kind::kNew, [&, i] {
      order.push_back(i);
      host.Work();
    });
  }
  while (strand.Run()) {
  }
  EXPECT_EQ(order, std::vector<int>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(StrandTest, WorkThatTheHostDoesNotCountEndsADrainToo) {
  CountingHost host(1000000);
  Strand strand(&host);
  constexpr int kPieces = 5000;
  for (int i = 0; i < kPieces; ++i) strand.Enqueue(Strand::Kind::kNew, [&] { host.Work(); });
  EXPECT_TRUE(strand.Run());
  EXPECT_LT(host.total(), kPieces);
}

// Every piece runs once, on one thread at a time, whoever posts; under ThreadSanitizer this also
// shows that a drain sees what earlier drains on other threads wrote.
TEST(StrandTest, ThreadsPostAndOnePolls) {
  constexpr int kThreads = 4;
  constexpr int kPieces = 2000;
  CountingHost host(8);
  Strand strand(&host);
  std::atomic<int> done{0};
  std::vector<std::thread> posters;
  for (int t = 0; t < kThreads; ++t) {
    posters.emplace_back([&] {
      for (int i = 0; i < kPieces; ++i) {
        strand.Post(Strand::Kind::kNew, [&] {
          host.Work();
          done.fetch_add(1);
        });
      }
    });
  }
  std::thread poller([&] {
    int seen = 0;
    while (true) {
      while (strand.Run()) {
      }
      if (done.load() == kThreads * kPieces) return;
      seen = host.AwaitWake(seen);
    }
  });
  for (std::thread& poster : posters) poster.join();
  host.WakePoller();
  // Nothing is posted any more: what is left is the poller's, and it has been told.
  poller.join();
  EXPECT_EQ(host.total(), kThreads * kPieces);
  int performed = 0;
  for (const int effect : host.performed()) performed += effect;
  EXPECT_EQ(performed, kThreads * kPieces);
}

TEST(StrandTest, OngoingWorkOvertakesAllButTheFirstNewWork) {
  CountingHost host(1000);
  Strand strand(&host);
  std::string order;
  for (int i = 0; i < 40; ++i) strand.Enqueue(Strand::Kind::kNew, [&] { order += 'n'; });
  for (int i = 0; i < 40; ++i) strand.Enqueue(Strand::Kind::kOngoing, [&] { order += 'o'; });
  EXPECT_FALSE(strand.Run());
  EXPECT_EQ(order, std::string(32, 'n') + std::string(40, 'o') + std::string(8, 'n'));
}

TEST(StrandTest, EachKindGetsOnInEveryDrain) {
  CountingHost host(2);
  Strand strand(&host);
  std::string order;
  const auto work = [&](char name) {
    return [&host, &order, name] {
      order += name;
      host.Work();
    };
  };
  // Whichever kind comes first fills a drain.
  for (int i = 0; i < 4; ++i) strand.Enqueue(Strand::Kind::kNew, work('n'));
  for (int i = 0; i < 5; ++i) strand.Enqueue(Strand::Kind::kOngoing, work('o'));
  EXPECT_TRUE(strand.Run());
  EXPECT_EQ(order, "nno");
  EXPECT_TRUE(strand.Run());
  EXPECT_EQ(order, "nnonno");
  EXPECT_TRUE(strand.Run());
  EXPECT_EQ(order, "nnonnooo");
  EXPECT_FALSE(strand.Run());
  EXPECT_EQ(order, "nnonnoooo");
}

}  // namespace
}  // namespace quorate
