#include "loadgen/key_chooser.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/chi_square.h"
#include "loadgen/workload.h"
#include "loadgen/zipf.h"

namespace quorate::loadgen {
namespace {

using ::testing::HasSubstr;

KeyDistribution Parsed(const std::string& text) {
  const absl::StatusOr<KeyDistribution> distribution = ParseKeyDistribution(text);
  EXPECT_TRUE(distribution.ok()) << distribution.status();
  return distribution.ok() ? *distribution : KeyDistribution();
}

TEST(ParseKeyDistributionTest, ReadsEveryKind) {
  EXPECT_EQ(Parsed("uniform").kind, KeyDistributionKind::kUniform);
  EXPECT_EQ(Parsed("zipf").kind, KeyDistributionKind::kZipf);
  EXPECT_EQ(Parsed("zipf").exponent, 0.99);
  EXPECT_EQ(Parsed("zipf:1.5").exponent, 1.5);
  EXPECT_EQ(Parsed("latest:1").kind, KeyDistributionKind::kLatest);
  EXPECT_EQ(Parsed("latest:1").exponent, 1);
  const KeyDistribution hotspot = Parsed("hotspot:0.8:0.2");
  EXPECT_EQ(hotspot.kind, KeyDistributionKind::kHotspot);
  EXPECT_EQ(hotspot.operations_fraction, 0.8);
  EXPECT_EQ(hotspot.keys_fraction, 0.2);
  const KeyDistribution moving = Parsed("moving:1:0.01:2.5");
  EXPECT_EQ(moving.kind, KeyDistributionKind::kMovingHotspot);
  EXPECT_EQ(moving.operations_fraction, 1);
  EXPECT_EQ(moving.period_seconds, 2.5);
}

TEST(ParseKeyDistributionTest, TextIsReadBackAsItWas) {
  EXPECT_EQ(ToText(Parsed("zipf")), "zipf:0.99");
  for (const char* text : {"uniform", "zipf:0.5", "zipf:0.12345678901234568", "latest:0.99",
                           "hotspot:0.9:0.1", "moving:0.9:0.1:30"}) {
    EXPECT_EQ(ToText(Parsed(text)), text);
  }
}

TEST(ParseKeyDistributionTest, RefusesAllElseWithTheReason) {
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"", "not one of uniform"},
      {"Zipf", "not one of uniform"},
      {"zipfian", "not one of uniform"},
      {"uniform:1", "takes 0 number(s), not 1"},
      {"zipf:", "'' is no number"},
      {"zipf:x", "'x' is no number"},
      {"zipf:1:2", "takes 1 number(s), not 2"},
      {"zipf:0", "above 0"},
      {"zipf:-1", "above 0"},
      {"zipf:nan", "above 0"},
      {"zipf:inf", "up to 20"},
      {"zipf:20.1", "up to 20"},
      {"latest:0", "above 0"},
      {"hotspot:0.9", "takes 2 number(s), not 1"},
      {"hotspot:1.1:0.1", "'1.1' is not in 0..1"},
      {"hotspot:-0.1:0.1", "in 0..1"},
      {"hotspot:nan:0.1", "in 0..1"},
      {"hotspot:0.9:0", "above 0"},
      {"hotspot:0.9:1.5", "up to 1"},
      {"moving:0.9:0.1", "takes 3 number(s), not 2"},
      {"moving:0.9:0.1:0", "from 0.001"},
      {"moving:0.9:0.1:1e10", "1e9"},
  };
  for (const auto& [text, reason] : refused) {
    const absl::StatusOr<KeyDistribution> distribution = ParseKeyDistribution(text);
    ASSERT_FALSE(distribution.ok()) << text;
    EXPECT_EQ(distribution.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(distribution.status().message()), HasSubstr(reason)) << text;
  }
}

// ---- Choices ----

constexpr int kOperations = 200000;

std::vector<uint64_t> CountsByKey(const KeyChooser& chooser, Nanos due = 0) {
  std::vector<uint64_t> counts(chooser.keys());
  for (uint64_t index = 0; index < kOperations; ++index) ++counts.at(chooser.Choose(index, due));
  return counts;
}

// The probability of each key, from that of each rank.
std::vector<double> ByKey(const KeyChooser& chooser, const std::vector<double>& by_rank) {
  std::vector<double> by_key(by_rank.size());
  for (uint64_t rank = 0; rank < by_rank.size(); ++rank) {
    by_key[chooser.KeyOfRank(rank)] = by_rank[rank];
  }
  return by_key;
}

TEST(KeyChooserTest, UniformKeysAreAlike) {
  for (const uint64_t keys : {1, 10, 50, 1000}) {
    const KeyChooser chooser(Parsed("uniform"), keys, 1);
    const double share = 1 / static_cast<double>(keys);
    EXPECT_DOUBLE_EQ(chooser.TopShare(), share);
    const ChiSquare result = CompareCounts(CountsByKey(chooser), std::vector<double>(keys, share));
    EXPECT_LE(result.statistic, result.bound) << keys;
  }
}

TEST(KeyChooserTest, ZipfKeysHaveTheExactProbabilitiesOfTheirRanks) {
  for (const char* text : {"zipf:0.5", "zipf:0.99", "zipf:1", "zipf:1.2"}) {
    for (const uint64_t keys : {10, 50, 1000}) {
      const KeyChooser chooser(Parsed(text), keys, 2);
      const ZipfSampler zipf(keys, chooser.distribution().exponent);
      std::vector<double> by_rank;
      for (uint64_t rank = 0; rank < keys; ++rank) by_rank.push_back(zipf.Probability(rank));
      std::vector<uint64_t> counts = CountsByKey(chooser);
      // Key order would put rare keys between frequent ones; rank order lets them be taken
      // together.
      std::vector<uint64_t> counts_by_rank;
      for (uint64_t rank = 0; rank < keys; ++rank) {
        counts_by_rank.push_back(counts[chooser.KeyOfRank(rank)]);
      }
      const ChiSquare result = CompareCounts(counts_by_rank, by_rank);
      EXPECT_LE(result.statistic, result.bound) << text << " " << keys;
      EXPECT_NEAR(static_cast<double>(*std::max_element(counts.begin(), counts.end())),
                  chooser.TopShare() * kOperations, 5 * 0.5 * std::sqrt(kOperations))
          << text << " " << keys;
    }
  }
}

TEST(KeyChooserTest, TopSharesAreTheKnownOnes) {
  EXPECT_NEAR(KeyChooser(Parsed("zipf:0.99"), 10, 1).TopShare(), 0.338, 0.0005);
  EXPECT_NEAR(KeyChooser(Parsed("zipf:0.99"), 100, 1).TopShare(), 0.189, 0.0005);
  EXPECT_DOUBLE_EQ(KeyChooser(Parsed("hotspot:0.9:0.1"), 50, 1).TopShare(), 0.9 / 5);
  EXPECT_DOUBLE_EQ(KeyChooser(Parsed("hotspot:0.1:0.5"), 50, 1).TopShare(), 0.9 / 25);
  EXPECT_DOUBLE_EQ(KeyChooser(Parsed("hotspot:0.9:1"), 50, 1).TopShare(), 1.0 / 50);
  EXPECT_DOUBLE_EQ(KeyChooser(Parsed("hotspot:0.9:0.001"), 50, 1).TopShare(), 0.9);
}

TEST(KeyChooserTest, HotKeysHaveTheirShareAndAllOthersTheRest) {
  for (const char* text :
       {"hotspot:0.9:0.1", "hotspot:0.5:0.02", "hotspot:0:0.5", "hotspot:1:0.2", "hotspot:0.7:1"}) {
    const KeyChooser chooser(Parsed(text), 50, 3);
    const KeyDistribution& distribution = chooser.distribution();
    const auto hot = static_cast<size_t>(50 * distribution.keys_fraction + 0.5);
    std::vector<double> by_rank(50, 1 / 50.0);
    for (size_t rank = 0; rank < 50 && hot < 50; ++rank) {
      by_rank[rank] = rank < hot
                          ? distribution.operations_fraction / static_cast<double>(hot)
                          : (1 - distribution.operations_fraction) / static_cast<double>(50 - hot);
    }
    const std::vector<uint64_t> counts = CountsByKey(chooser);
    const std::vector<double> by_key = ByKey(chooser, by_rank);
    std::vector<uint64_t> possible_counts;
    std::vector<double> possible;
    for (size_t key = 0; key < 50; ++key) {
      if (by_key[key] == 0) {
        EXPECT_EQ(counts[key], 0u) << text;
        continue;
      }
      possible_counts.push_back(counts[key]);
      possible.push_back(by_key[key]);
    }
    const ChiSquare result = CompareCounts(possible_counts, possible);
    EXPECT_LE(result.statistic, result.bound) << text;
  }
}

TEST(KeyChooserTest, HotspotMovesWithEachPeriodAndOnlyThen) {
  const KeyChooser chooser(Parsed("moving:0.9:0.02:10"), 1000, 4);
  const auto hot_keys = [&chooser](Nanos due) {
    std::vector<uint64_t> keys;
    for (uint64_t rank = 0; rank < 20; ++rank) keys.push_back(chooser.KeyOfRank(rank, due));
    std::sort(keys.begin(), keys.end());
    return keys;
  };
  EXPECT_EQ(hot_keys(0), hot_keys(10 * kNanosPerSecond - 1));
  EXPECT_EQ(hot_keys(10 * kNanosPerSecond), hot_keys(19 * kNanosPerSecond));
  const std::vector<uint64_t> before = hot_keys(0);
  const std::vector<uint64_t> after = hot_keys(10 * kNanosPerSecond);
  std::vector<uint64_t> stayed;
  std::set_intersection(before.begin(), before.end(), after.begin(), after.end(),
                        std::back_inserter(stayed));
  EXPECT_LT(stayed.size(), 5u);

  const std::vector<uint64_t> counts = CountsByKey(chooser, 10 * kNanosPerSecond);
  uint64_t on_hot_keys = 0;
  for (const uint64_t key : after) on_hot_keys += counts[key];
  EXPECT_NEAR(static_cast<double>(on_hot_keys), 0.9 * kOperations, 5 * 0.3 * 448);
}

TEST(KeyChooserTest, HotspotVisitsAllKeysInTime) {
  const KeyChooser chooser(Parsed("moving:1:0.1:1"), 10, 5);
  std::vector<uint64_t> visits(10);
  for (Nanos period = 0; period < 5000; ++period) {
    ++visits[chooser.Choose(7, period * kNanosPerSecond)];
  }
  const ChiSquare result = CompareCounts(visits, std::vector<double>(10, 0.1));
  EXPECT_LE(result.statistic, result.bound);
}

TEST(KeyChooserTest, LatestStaysAmongTheBornAndPrefersTheNewest) {
  const KeyChooser chooser(Parsed("latest:0.99"), 1000, 6);
  EXPECT_FALSE(chooser.ChooseAmong(0, 1).has_value());
  for (uint64_t index = 0; index < 1000; ++index) {
    EXPECT_EQ(chooser.ChooseAmong(1, index), 0u);
    ASSERT_LT(chooser.ChooseAmong(3, index).value(), 3u);
  }
  // More keys than there were at first, after inserts.
  for (const uint64_t born : {50, 2000}) {
    const ZipfSampler zipf(born, 0.99);
    std::vector<uint64_t> counts_by_age(born);
    std::vector<double> by_age;
    for (uint64_t age = 0; age < born; ++age) by_age.push_back(zipf.Probability(age));
    for (uint64_t index = 0; index < kOperations; ++index) {
      ++counts_by_age.at(born - 1 - chooser.ChooseAmong(born, index).value());
    }
    const ChiSquare result = CompareCounts(counts_by_age, by_age);
    EXPECT_LE(result.statistic, result.bound) << born;
  }
}

TEST(KeyChooserTest, LatestOverAllKeysIsTheSameAsAmongAllKeys) {
  const KeyChooser chooser(Parsed("latest"), 1000, 6);
  for (uint64_t index = 0; index < 1000; ++index) {
    EXPECT_EQ(chooser.ChooseAmong(1000, index), chooser.Choose(index));
  }
}

TEST(KeyChooserTest, OthersChooseWhateverIsBorn) {
  const KeyChooser chooser(Parsed("zipf"), 1000, 6);
  for (uint64_t index = 0; index < 100; ++index) {
    EXPECT_EQ(chooser.ChooseAmong(0, index), chooser.Choose(index));
  }
}

TEST(KeyChooserTest, ChoicesArePureFunctionsOfSeedAndIndex) {
  for (const char* text : {"uniform", "zipf", "latest", "hotspot", "moving"}) {
    const KeyChooser one(Parsed(text), 1000, 7);
    const KeyChooser same(Parsed(text), 1000, 7);
    const KeyChooser other(Parsed(text), 1000, 8);
    int differences = 0;
    for (uint64_t index = 1000; index > 0; --index) {
      EXPECT_EQ(one.Choose(index), same.Choose(index)) << text;
      differences += one.Choose(index) != other.Choose(index) ? 1 : 0;
    }
    EXPECT_GT(differences, 900) << text;
  }
}

TEST(KeyChooserTest, SeedsHaveDifferentPopularKeys) {
  std::vector<uint64_t> popular(10);
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    ++popular[KeyChooser(Parsed("zipf"), 10, seed).KeyOfRank(0)];
  }
  const ChiSquare result = CompareCounts(popular, std::vector<double>(10, 0.1));
  EXPECT_LE(result.statistic, result.bound);
}

}  // namespace
}  // namespace quorate::loadgen
