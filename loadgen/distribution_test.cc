#include "loadgen/distribution.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

using ::testing::HasSubstr;

// As it comes out of a file, in which whole numbers have no kinds.
Json AsRead(const Json& json) { return Json::parse(json.dump()); }

Json Section(const ValueCounts& values) {
  uint64_t count = 0;
  double sum = 0;
  Json sparse = Json::array();
  for (const auto& [value, number] : values) {
    sparse.push_back({value, number});
    count += number;
    sum += static_cast<double>(value) * static_cast<double>(number) * 1e-9;
  }
  Json section = {{"count", count}};
  if (count > 0) {
    section["mean"] = sum / static_cast<double>(count);
    section["min"] = static_cast<double>(values.front().first) * 1e-9;
    section["max"] = static_cast<double>(values.back().first) * 1e-9;
  }
  section["histogram"] = {{"significant_digits", 3},   {"unit", "ns"},  {"lowest", 1},
                          {"highest", 60'000'000'000}, {"encoded", ""}, {"sparse", sparse}};
  return AsRead(section);
}

std::string ErrorOf(const Json& section) {
  return std::string(Distribution::FromJson(AsRead(section), "lag").status().message());
}

TEST(DistributionTest, PercentilesNeedTenDurationsAbove) {
  std::vector<double> durations;
  for (int i = 1; i <= 1000; ++i) durations.push_back(i * 1e-3);
  const Distribution distribution = Distribution::FromSeconds(durations);
  EXPECT_EQ(distribution.count(), 1000u);
  EXPECT_NEAR(*distribution.Percentile(0.5), 0.5, 1e-12);
  EXPECT_NEAR(*distribution.Percentile(0.99), 0.99, 1e-12);
  EXPECT_FALSE(distribution.Percentile(0.999).has_value());
  EXPECT_NEAR(distribution.mean(), 0.5005, 1e-12);
  EXPECT_NEAR(distribution.min(), 0.001, 1e-12);
  EXPECT_NEAR(distribution.max(), 1, 1e-12);
  // Ranks 500 -+ 1.96 * sqrt(250) = 469.01 and 530.99.
  EXPECT_NEAR(distribution.PercentileInterval(0.5)->low, 0.469, 1e-12);
  EXPECT_NEAR(distribution.PercentileInterval(0.5)->high, 0.531, 1e-12);
}

TEST(DistributionTest, NothingIsKnownOfNothing) {
  const Distribution empty;
  EXPECT_TRUE(std::isnan(empty.mean()));
  EXPECT_FALSE(empty.Percentile(0.5).has_value());
  const Json section = empty.ToJson(nullptr);
  EXPECT_EQ(section["count"], 0);
  EXPECT_TRUE(section["mean"].is_null());
  EXPECT_TRUE(section["percentiles"]["50"].is_null());
  EXPECT_EQ(section["histogram"]["sparse"].size(), 0u);
  EXPECT_TRUE(Distribution::FromJson(section, "lag").ok());
}

TEST(DistributionTest, WritesWhatItReads) {
  const Json section = Section({{1000, 20}, {2000, 30}, {5000, 1}});
  const absl::StatusOr<Distribution> read = Distribution::FromJson(section, "lag");
  ASSERT_TRUE(read.ok()) << read.status();
  const Json written = read->ToJson(
      [](const ValueCounts& values) { return "encoded " + std::to_string(values.size()); });
  EXPECT_EQ(written["count"], 51);
  EXPECT_EQ(written["histogram"]["sparse"], section["histogram"]["sparse"]);
  EXPECT_EQ(written["histogram"]["encoded"], "encoded 3");
  EXPECT_NEAR(written["percentiles"]["50"].get<double>(), 2e-6, 1e-15);
  EXPECT_TRUE(written["percentiles"]["90"].is_null());
}

// However a set of durations is split, the sum of the parts is the whole.
TEST(DistributionTest, TheSumOfPartsIsTheWhole) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 50; ++round) {
    ValueCounts all;
    std::vector<ValueCounts> parts(1 + random() % 5);
    for (int64_t value = 1; value < 200; ++value) {
      uint64_t count = 0;
      for (ValueCounts& part : parts) {
        const uint64_t some = random() % 3 == 0 ? random() % 10 : 0;
        if (some > 0) part.emplace_back(value * 1000, some);
        count += some;
      }
      if (count > 0) all.emplace_back(value * 1000, count);
    }
    Distribution sum;
    for (const ValueCounts& part : parts) {
      ASSERT_TRUE(sum.Add(*Distribution::FromJson(Section(part), "part")).ok());
    }
    const Distribution whole = *Distribution::FromJson(Section(all), "whole");
    ASSERT_EQ(sum.count(), whole.count());
    ASSERT_NEAR(sum.mean(), whole.mean(), 1e-12);
    ASSERT_EQ(sum.max(), whole.max());
    ASSERT_EQ(sum.min(), whole.min());
    const Json a = sum.ToJson(nullptr);
    const Json b = whole.ToJson(nullptr);
    ASSERT_EQ(a["percentiles"], b["percentiles"]);
    ASSERT_EQ(a["intervals95"], b["intervals95"]);
    ASSERT_EQ(a["histogram"], b["histogram"]);
  }
}

TEST(DistributionTest, HistogramsOfOtherPrecisionAreNotAdded) {
  Json coarse = Section({{1000, 20}});
  coarse["histogram"]["significant_digits"] = 2;
  Distribution sum = *Distribution::FromJson(Section({{1000, 5}}), "lag");
  const absl::Status added = sum.Add(*Distribution::FromJson(AsRead(coarse), "lag"));
  EXPECT_EQ(added.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(added.message()), HasSubstr("3 digits"));
  EXPECT_EQ(sum.count(), 5u);
}

TEST(DistributionTest, RefusesDamagedSections) {
  EXPECT_THAT(ErrorOf(Json(5)), HasSubstr("'lag' is damaged"));
  Json section = Section({{1000, 20}, {2000, 30}});
  section["count"] = 51;
  EXPECT_THAT(ErrorOf(section), HasSubstr("holds 50 durations, but it tells of 51"));
  section = Section({{2000, 20}, {1000, 30}});
  EXPECT_THAT(ErrorOf(section), HasSubstr("not in order"));
  section = Section({{1000, 20}});
  section["histogram"]["sparse"] = Json::array({Json::array({1000, -20})});
  EXPECT_THAT(ErrorOf(section), HasSubstr("no value with a count"));
  section["histogram"]["sparse"] = Json::array({Json::array({1000, 20, 3})});
  EXPECT_THAT(ErrorOf(section), HasSubstr("no value with a count"));
  section["histogram"]["sparse"] = Json::array({Json::array({18'446'744'073'709'551'615u, 20})});
  EXPECT_THAT(ErrorOf(section), HasSubstr("too large"));
  section["histogram"]["sparse"] = Json::array({Json::array({1000, 18'446'744'073'709'551'615u})});
  EXPECT_THAT(ErrorOf(section), HasSubstr("too large"));
  section = Section({{1000, 20}});
  section["histogram"]["unit"] = "ms";
  EXPECT_THAT(ErrorOf(section), HasSubstr("not in ns"));
  section = Section({{1000, 20}});
  section["mean"] = "fast";
  EXPECT_THAT(ErrorOf(section), HasSubstr("mean"));
  section["mean"] = 5;
  EXPECT_THAT(ErrorOf(section), HasSubstr("mean"));
}

TEST(DistributionTest, OddDurationsDoNoHarm) {
  const Distribution distribution =
      Distribution::FromSeconds({-1, std::nan(""), 1e300, 0.5, INFINITY});
  EXPECT_EQ(distribution.count(), 4u);
  EXPECT_EQ(distribution.min(), 0);
  EXPECT_EQ(distribution.max(), 1e9);
}

}  // namespace
}  // namespace quorate::loadgen
