#include "support/mutex.h"

#include <chrono>
#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

class Counter {
 public:
  void Add() {
    MutexLock lock(&mu_);
    ++count_;
  }

  int count() {
    MutexLock lock(&mu_);
    return count_;
  }

 private:
  Mutex mu_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
};

TEST(MutexTest, KeepsConcurrentChangesApart) {
  constexpr int kThreads = 4;
  constexpr int kAddsPerThread = 10000;
  Counter counter;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&counter] {
      for (int add = 0; add < kAddsPerThread; ++add) counter.Add();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.count(), kThreads * kAddsPerThread);
}

TEST(MutexTest, TryLockFailsWhileAnotherThreadHoldsTheLock) {
  Mutex mu;
  const auto try_on_another_thread = [&mu] {
    bool taken = false;
    std::thread([&mu, &taken] {
      if (mu.TryLock()) {
        taken = true;
        mu.Unlock();
      }
    }).join();
    return taken;
  };

  {
    MutexLock lock(&mu);
    EXPECT_FALSE(try_on_another_thread());
  }
  EXPECT_TRUE(try_on_another_thread());
}

// A queue in which a consumer blocks until a producer brings something.
class Queue {
 public:
  void Push(int item) {
    {
      MutexLock lock(&mu_);
      items_.push_back(item);
    }
    pushed_.Signal();
  }

  int Pop() {
    MutexLock lock(&mu_);
    while (items_.empty()) pushed_.Wait(&mu_);
    const int item = items_.front();
    items_.pop_front();
    return item;
  }

 private:
  Mutex mu_;
  CondVar pushed_;
  std::deque<int> items_ ABSL_GUARDED_BY(mu_);
};

TEST(CondVarTest, HandsItemsFromThreadToThread) {
  constexpr int kItems = 5000;
  Queue there;
  Queue back;
  std::thread echo([&there, &back] {
    for (int i = 0; i < kItems; ++i) back.Push(there.Pop());
  });
  for (int i = 0; i < kItems; ++i) there.Push(i);
  for (int i = 0; i < kItems; ++i) ASSERT_EQ(back.Pop(), i);
  echo.join();
}

struct Gate {
  Mutex mu;
  CondVar opened;
  bool open ABSL_GUARDED_BY(mu) = false;
};

TEST(CondVarTest, SignalAllWakesEveryWaiter) {
  Gate gate;
  std::vector<std::thread> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.emplace_back([&gate] {
      MutexLock lock(&gate.mu);
      while (!gate.open) gate.opened.Wait(&gate.mu);
    });
  }
  {
    MutexLock lock(&gate.mu);
    gate.open = true;
  }
  gate.opened.SignalAll();
  for (std::thread& waiter : waiters) waiter.join();
}

TEST(CondVarTest, WaitForReturnsFalseWhenTheTimeHasPassed) {
  Gate gate;
  MutexLock lock(&gate.mu);
  const auto start = std::chrono::steady_clock::now();
  while (gate.opened.WaitFor(&gate.mu, absl::Milliseconds(5))) {
  }
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(5));
}

TEST(CondVarTest, WaitUntilReturnsFalseAtOnceWhenTheDeadlineLiesInThePast) {
  Gate gate;
  MutexLock lock(&gate.mu);
  EXPECT_FALSE(
      gate.opened.WaitUntil(&gate.mu, std::chrono::steady_clock::now() - std::chrono::hours(1)));
}

TEST(CondVarTest, WaitForTakesAnInfiniteTimeoutAsVeryLong) {
  Gate gate;
  std::thread opener([&gate] {
    {
      MutexLock lock(&gate.mu);
      gate.open = true;
    }
    gate.opened.SignalAll();
  });
  {
    MutexLock lock(&gate.mu);
    while (!gate.open) EXPECT_TRUE(gate.opened.WaitFor(&gate.mu, absl::InfiniteDuration()));
  }
  opener.join();
}

}  // namespace
}  // namespace quorate
