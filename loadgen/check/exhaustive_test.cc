// The checkers against exhaustive search, over random small histories.
//
// The search (after Wing and Gong, "Testing and verifying concurrent objects", J. Parallel Distrib.
// Comput. 17, 1993) tries all orders of operations that agree with real time, and knows nothing of
// zones, sweeps or running maxima.
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/check/check_result.h"
#include "loadgen/check/history.h"
#include "loadgen/check/random_history.h"
#include "loadgen/check/version_sweep.h"
#include "loadgen/check/zones.h"

namespace quorate::check {
namespace {

constexpr int kHistoriesPerSeed = 25'000;

struct Item {
  Nanos start = 0;
  Nanos finish = 0;
  bool write = false;
  bool optional = false;  // may never have happened
  uint64_t version = 0;   // writes: 0 where nobody knows it
  int source = 0;         // reads: the place of the write's item, or kInitial or kPhantom
};

enum class Order {
  kAny,               // that agrees with real time
  kVersions,          // that agrees with real time and with versions
  kVersionsForReads,  // the same, but a write need not come after what was over before it began
};

class Search {
 public:
  Search(const std::vector<Item>& items, Order order)
      : items_(items),
        order_(order),
        visited_((size_t{1} << items.size()) * (items.size() + 1), 0) {
    for (size_t i = 0; i < items_.size(); ++i) {
      if (!items_[i].optional) required_ |= size_t{1} << i;
    }
  }

  bool Finds() { return From(0, Truth::kInitial, 0); }

 private:
  // `done` have happened, and `current` is the write that was the last.
  bool From(size_t done, int current, uint64_t version) {
    if ((done & required_) == required_) return true;
    uint8_t& visited = visited_[done * (items_.size() + 1) + static_cast<size_t>(current + 1)];
    if (visited != 0) return false;
    visited = 1;
    for (size_t i = 0; i < items_.size(); ++i) {
      if ((done >> i & 1) != 0 || !MayBeNext(i, done)) continue;
      const Item& item = items_[i];
      const size_t then = done | size_t{1} << i;
      if (!item.write) {
        if (item.source == current && From(then, current, version)) return true;
      } else if (order_ == Order::kAny || item.version == 0) {
        if (From(then, static_cast<int>(i), version)) return true;
      } else if (item.version > version && From(then, static_cast<int>(i), item.version)) {
        return true;
      }
    }
    return false;
  }

  bool MayBeNext(size_t i, size_t done) const {
    for (size_t j = 0; j < items_.size(); ++j) {
      // Nobody reads what is not yet being written, whatever the order of the writes.
      const bool counts = order_ != Order::kVersionsForReads || !items_[i].write ||
                          (!items_[j].write && items_[j].source == static_cast<int>(i));
      if (counts && (done >> j & 1) == 0 && items_[j].finish < items_[i].start) return false;
    }
    return true;
  }

  const std::vector<Item>& items_;
  const Order order_;
  size_t required_ = 0;
  std::vector<uint8_t> visited_;
};

// The operations that matter; all reads, or only the one at `only_read`.
std::vector<Item> ItemsOf(const RandomHistory& random, int only_read = -1) {
  const std::vector<Operation>& operations = random.history.operations;
  std::vector<bool> was_read(operations.size(), false);
  for (size_t i = 0; i < operations.size(); ++i) {
    const bool read = operations[i].is_read() && operations[i].ok();
    if (read && random.truth[i].source >= 0) was_read[random.truth[i].source] = true;
  }
  std::vector<Item> items;
  std::vector<int> item_of(operations.size(), Truth::kPhantom);
  for (size_t i = 0; i < operations.size(); ++i) {
    const Operation& operation = operations[i];
    if (!operation.is_write() || operation.outcome == Outcome::kFailed) continue;
    item_of[i] = static_cast<int>(items.size());
    Item item;
    item.start = operation.start;
    item.finish = operation.finish();
    item.write = true;
    item.optional = operation.outcome == Outcome::kUnknown && !was_read[i];
    item.version = operation.ok() || was_read[i] ? random.truth[i].version : 0;
    items.push_back(item);
  }
  for (size_t i = 0; i < operations.size(); ++i) {
    const Operation& operation = operations[i];
    if (!operation.is_read() || !operation.ok()) continue;
    if (only_read >= 0 && static_cast<size_t>(only_read) != i) continue;
    Item item;
    item.start = operation.start;
    item.finish = operation.end;
    const int source = random.truth[i].source;
    item.source = source >= 0 ? item_of[static_cast<size_t>(source)] : source;
    items.push_back(item);
  }
  return items;
}

bool Linearizable(const RandomHistory& random, Order order) {
  return Search(ItemsOf(random), order).Finds();
}

// Every read by itself fits into the one order of all writes that took effect.
bool Regular(const RandomHistory& random, Order order) {
  const std::vector<Operation>& operations = random.history.operations;
  bool regular = true;
  for (size_t i = 0; i < operations.size(); ++i) {
    if (!operations[i].is_read() || !operations[i].ok()) continue;
    regular = regular && Search(ItemsOf(random, static_cast<int>(i)), order).Finds();
  }
  // Without a read the writes still have to fit each other.
  std::vector<Item> writes;
  for (const Item& item : ItemsOf(random)) {
    if (item.write) writes.push_back(item);
  }
  return regular && Search(writes, order).Finds();
}

// How often each verdict came, so that a test can see that it tested something.
struct Seen {
  int holds = 0;
  int violated = 0;

  void Take(bool held) { ++(held ? holds : violated); }
  void ExpectBoth(int total) const {
    EXPECT_EQ(holds + violated, total);
    EXPECT_GT(holds, total / 8);
    EXPECT_GT(violated, total / 8);
  }
};

class ExhaustiveTest : public testing::TestWithParam<uint64_t> {
 protected:
  std::mt19937_64 random_{GetParam()};
};

TEST_P(ExhaustiveTest, CheckersAgreeWithSearch) {
  Seen any_order;
  Seen version_order;
  Seen regular;
  Seen regular_in_time;
  int versions_wrong = 0;
  for (int i = 0; i < kHistoriesPerSeed; ++i) {
    SCOPED_TRACE(testing::Message() << "history " << i << " of seed " << GetParam());
    const RandomHistory random = MakeRandomHistory(RandomHistoryOptions(), &random_);
    const bool some_order = Linearizable(random, Order::kAny);
    const bool versions = Linearizable(random, Order::kVersions);
    const bool each_read = Regular(random, Order::kVersionsForReads);
    const bool each_in_time = Regular(random, Order::kVersions);
    any_order.Take(some_order);
    version_order.Take(versions);
    regular.Take(each_read);
    regular_in_time.Take(each_in_time);
    const Verdict zones = CheckZones(random.history).verdict();
    const Verdict sweep = CheckVersionSweep(random.history, Model::kLinearizable).verdict();
    ASSERT_EQ(zones, some_order ? Verdict::kHolds : Verdict::kViolated);
    ASSERT_EQ(sweep, versions ? Verdict::kHolds : Verdict::kViolated);
    const Verdict reads = CheckVersionSweep(random.history, Model::kRegular).verdict();
    const Verdict writes = CheckVersionSweep(random.history, Model::kWriteOrder).verdict();
    ASSERT_EQ(reads, each_read ? Verdict::kHolds : Verdict::kViolated);
    ASSERT_EQ(reads == Verdict::kHolds && writes == Verdict::kHolds, each_in_time);
    ASSERT_TRUE(!versions || (some_order && each_in_time)) << "the search contradicts itself";
    if (sweep == Verdict::kViolated && zones == Verdict::kHolds) ++versions_wrong;
  }
  any_order.ExpectBoth(kHistoriesPerSeed);
  version_order.ExpectBoth(kHistoriesPerSeed);
  regular.ExpectBoth(kHistoriesPerSeed);
  regular_in_time.ExpectBoth(kHistoriesPerSeed);
  // Histories in which only the versions are wrong, which only the two tests together can show.
  EXPECT_GT(versions_wrong, kHistoriesPerSeed / 50);
}

// Where some orders are missing the sweep may say "unknown", but nothing that is not so.
TEST_P(ExhaustiveTest, MissingOrdersMakeNoFalseVerdict) {
  RandomHistoryOptions options;
  options.forget_order_share = 0.3;
  options.delete_share = 0;  // without an order nobody can tell which delete a read saw
  int unknown = 0;
  for (int i = 0; i < kHistoriesPerSeed / 5; ++i) {
    SCOPED_TRACE(testing::Message() << "history " << i << " of seed " << GetParam());
    const RandomHistory random = MakeRandomHistory(options, &random_);
    const Verdict zones = CheckZones(random.history).verdict();
    ASSERT_EQ(zones, Linearizable(random, Order::kAny) ? Verdict::kHolds : Verdict::kViolated);
    const Verdict sweep = CheckVersionSweep(random.history, Model::kLinearizable).verdict();
    if (sweep == Verdict::kUnknown) {
      ++unknown;
    } else {
      ASSERT_EQ(sweep == Verdict::kHolds, Linearizable(random, Order::kVersions));
    }
  }
  EXPECT_GT(unknown, 100);
}

// Without any order the zone test still decides.
TEST_P(ExhaustiveTest, ZonesNeedNoVersions) {
  RandomHistoryOptions options;
  options.forget_order_share = 1;
  options.delete_share = 0;
  for (int i = 0; i < kHistoriesPerSeed / 5; ++i) {
    const RandomHistory random = MakeRandomHistory(options, &random_);
    ASSERT_EQ(CheckZones(random.history).verdict(),
              Linearizable(random, Order::kAny) ? Verdict::kHolds : Verdict::kViolated);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ExhaustiveTest, testing::Values(1, 2, 3, 4, 5, 6));

}  // namespace
}  // namespace quorate::check
