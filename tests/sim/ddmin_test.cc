#include "tests/sim/ddmin.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate::sim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<int> UpTo(int count) {
  std::vector<int> items(count);
  std::iota(items.begin(), items.end(), 1);
  return items;
}

bool HasAll(const std::vector<int>& items, const std::vector<int>& needed) {
  return std::all_of(needed.begin(), needed.end(), [&items](int item) {
    return std::find(items.begin(), items.end(), item) != items.end();
  });
}

TEST(DdminTest, KeepsWhatIsNeededInOrder) {
  int asked = 0;
  const auto fails = [&asked](const std::vector<int>& some) {
    ++asked;
    return HasAll(some, {3, 500, 871});
  };
  EXPECT_THAT(Ddmin<int>(UpTo(1000), fails), ElementsAre(3, 500, 871));
  EXPECT_LT(asked, 300);  // leaving out one after the other would take 1000
}

TEST(DdminTest, NothingIsNeeded) {
  EXPECT_THAT(Ddmin<int>(UpTo(10), [](const std::vector<int>&) { return true; }), IsEmpty());
  EXPECT_THAT(Ddmin<int>({}, [](const std::vector<int>&) { return false; }), IsEmpty());
}

TEST(DdminTest, AllIsNeeded) {
  for (const int count : {1, 2, 3, 7, 16}) {
    const std::vector<int> all = UpTo(count);
    EXPECT_EQ(Ddmin<int>(all, [&](const std::vector<int>& some) { return some == all; }), all);
  }
}

// No single item of the result can go, though another choice would be smaller: 1 and 2.
TEST(DdminTest, IsOneMinimal) {
  const auto fails = [](const std::vector<int>& some) {
    return some.size() >= 5 || HasAll(some, {1, 2});
  };
  const std::vector<int> small = Ddmin<int>(UpTo(37), fails);
  ASSERT_TRUE(fails(small));
  for (size_t i = 0; i < small.size(); ++i) {
    std::vector<int> less = small;
    less.erase(less.begin() + i);
    EXPECT_FALSE(fails(less)) << "without " << small[i];
  }
}

TEST(DdminTest, ReturnsWhatWasAcceptedLast) {
  std::vector<int> accepted = UpTo(64);
  int left = 20;
  const std::vector<int> small = Ddmin<int>(UpTo(64), [&](const std::vector<int>& some) {
    if (--left < 0 || !HasAll(some, {10, 11, 60})) return false;
    accepted = some;
    return true;
  });
  EXPECT_EQ(small, accepted);
  EXPECT_GT(small.size(), 3u);
}

TEST(DdminTest, NeverAsksAboutTheWhole) {
  Ddmin<int>(UpTo(12), [](const std::vector<int>& some) {
    EXPECT_LT(some.size(), 12u);
    return false;
  });
}

}  // namespace
}  // namespace quorate::sim
