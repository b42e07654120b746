#include "loadgen/mix.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/chi_square.h"
#include "loadgen/key_chooser.h"

namespace quorate::loadgen {
namespace {

using ::testing::HasSubstr;

TEST(MixTest, SharesAreThoseOfTheBenchmark) {
  struct Expected {
    std::string name;
    std::vector<double> shares;
    KeyDistributionKind keys;
  };
  const std::vector<Expected> all = {
      {"a", {0.5, 0.5, 0, 0}, KeyDistributionKind::kZipf},
      {"b", {0.95, 0.05, 0, 0}, KeyDistributionKind::kZipf},
      {"c", {1, 0, 0, 0}, KeyDistributionKind::kZipf},
      {"d", {0.95, 0, 0.05, 0}, KeyDistributionKind::kLatest},
      {"f", {0.5, 0, 0, 0.5}, KeyDistributionKind::kZipf},
  };
  for (const Expected& expected : all) {
    const absl::StatusOr<OperationMix> mix = FindMix(expected.name);
    ASSERT_TRUE(mix.ok()) << mix.status();
    const std::vector<double> shares = {mix->read, mix->update, mix->insert,
                                        mix->read_modify_write};
    EXPECT_EQ(shares, expected.shares) << expected.name;
    const absl::StatusOr<KeyDistribution> keys =
        ParseKeyDistribution(std::string(mix->distribution));
    ASSERT_TRUE(keys.ok()) << keys.status();
    EXPECT_EQ(keys->kind, expected.keys) << expected.name;
    EXPECT_EQ(keys->exponent, 0.99);
  }
}

TEST(MixTest, OperationsComeInTheirShares) {
  for (const char* name : {"a", "b", "c", "d", "f"}) {
    const OperationMix mix = FindMix(name).value();
    const double shares[] = {mix.read, mix.update, mix.insert, mix.read_modify_write};
    uint64_t counts[4] = {};
    for (uint64_t index = 0; index < 100000; ++index) {
      ++counts[static_cast<size_t>(KindOf(mix, 1, index))];
    }
    std::vector<uint64_t> possible_counts;
    std::vector<double> possible;
    for (size_t kind = 0; kind < 4; ++kind) {
      if (shares[kind] == 0) {
        EXPECT_EQ(counts[kind], 0u) << name;
        continue;
      }
      possible_counts.push_back(counts[kind]);
      possible.push_back(shares[kind]);
    }
    const ChiSquare result = CompareCounts(possible_counts, possible);
    EXPECT_LE(result.statistic, result.bound) << name;
  }
}

TEST(MixTest, OperationIsAPureFunctionOfSeedAndIndex) {
  const OperationMix mix = FindMix("a").value();
  int differences = 0;
  for (uint64_t index = 100; index > 0; --index) {
    EXPECT_EQ(KindOf(mix, 1, index), KindOf(mix, 1, index));
    differences += KindOf(mix, 1, index) != KindOf(mix, 2, index) ? 1 : 0;
  }
  EXPECT_GT(differences, 20);
}

TEST(MixTest, NamesAreFoundInEitherCase) {
  EXPECT_EQ(FindMix("A").value().name, "a");
  EXPECT_EQ(FindMix("YCSB-f").value().name, "f");
}

TEST(MixTest, OthersAreRefusedWithTheReason) {
  EXPECT_THAT(std::string(FindMix("e").status().message()), HasSubstr("scans"));
  for (const char* name : {"", "g", "ab", "ycsb-", "ycsb"}) {
    EXPECT_THAT(std::string(FindMix(name).status().message()), HasSubstr("a, b, c, d, f")) << name;
  }
}

}  // namespace
}  // namespace quorate::loadgen
