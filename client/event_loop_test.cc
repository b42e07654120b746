#include "client/event_loop.h"

#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

class Host final : public EventLoopHost {
 public:
  explicit Host(bool idle) : idle_(idle) {}
  void OnTurn() override {}
  bool Idle() const override { return idle_; }

 private:
  const bool idle_;
};

TEST(EventLoopTest, RunsAllThatIsPostedBeforeItEnds) {
  EventLoop loop;
  Host host(/*idle=*/true);
  std::vector<int> ran;
  loop.Post([&] {
    ran.push_back(1);
    loop.End(absl::InfiniteDuration());
    loop.Post([&] {
      ran.push_back(2);
      loop.Post([&] { ran.push_back(3); });
    });
  });
  EXPECT_TRUE(loop.Run(&host));
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
}

TEST(EventLoopTest, RunsTimersInTheirOrder) {
  EventLoop loop;
  Host host(/*idle=*/true);
  std::vector<int> ran;
  loop.Post([&] {
    const EventLoop::TimerId stopped = loop.StartTimer(loop.now(), [&] { ran.push_back(0); });
    loop.StartTimer(After(loop.now(), absl::Milliseconds(2)), [&] {
      ran.push_back(2);
      loop.End(absl::InfiniteDuration());
    });
    loop.StartTimer(After(loop.now(), absl::Milliseconds(1)), [&] { ran.push_back(1); });
    loop.StopTimer(stopped);
  });
  EXPECT_TRUE(loop.Run(&host));
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
}

TEST(EventLoopTest, EndWaitsForAHostThatIsNeverIdleNoLongerThanItSays) {
  static auto* const loop = new EventLoop;  // must never go away, as Run says
  Host host(/*idle=*/false);
  loop->Post([] { loop->End(absl::Milliseconds(10)); });
  EXPECT_FALSE(loop->Run(&host));
}

}  // namespace
}  // namespace quorate
