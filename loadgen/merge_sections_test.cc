#include "loadgen/merge_sections.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

// As it comes out of a file, in which whole numbers have no kinds.
Json AsRead(const Json& json) { return Json::parse(json.dump()); }

Json Numbers(int from, int to) {
  Json list = Json::array();
  for (int number = from; number < to; ++number) list.push_back(number);
  return list;
}

TEST(MergeRawTest, KeepsAllWhereThereIsRoom) {
  const Json a = Numbers(0, 5);
  const Json b = Numbers(5, 12);
  std::mt19937_64 random(1);
  uint64_t cut = 99;
  EXPECT_EQ(MergeRaw({{&a, 0}, {&b, 0}}, 12, &random, &cut), Numbers(0, 12));
  EXPECT_EQ(cut, 0u);
}

TEST(MergeRawTest, KeepsNothingWhereThereIsNoRoom) {
  const Json a = Numbers(0, 5);
  std::mt19937_64 random(1);
  uint64_t cut = 0;
  EXPECT_EQ(MergeRaw({{&a, 3}}, 0, &random, &cut), Json::array());
  EXPECT_EQ(cut, 8u);
}

// One list is whole, the other a sample of nine times as many. Each entry of the whole must come
// through as often as it would from a single sample of all hundred.
TEST(MergeRawTest, IsAUniformSampleOfAllThatThereWas) {
  const Json whole = Numbers(0, 10);
  const Json sample = Numbers(10, 20);  // of 90
  std::mt19937_64 random(1);
  std::vector<int> seen(20);
  constexpr int kRounds = 20'000;
  for (int round = 0; round < kRounds; ++round) {
    uint64_t cut = 0;
    const Json merged = MergeRaw({{&whole, 0}, {&sample, 80}}, 10, &random, &cut);
    ASSERT_EQ(merged.size(), 10u);
    ASSERT_EQ(cut, 90u);
    ASSERT_TRUE(std::is_sorted(merged.begin(), merged.end()));
    for (const Json& entry : merged) ++seen[entry.get<size_t>()];
  }
  for (int entry = 0; entry < 20; ++entry) {
    // A tenth of all is drawn. Of the sampled list nine of ten are, since nine of its entries fill
    // the ten places on average.
    EXPECT_NEAR(seen[entry], kRounds * (entry < 10 ? 0.1 : 0.9), kRounds * 0.012) << entry;
  }
}

TEST(MergeSeriesTest, AddsTheSecondsThatBeganTogether) {
  const Json first = Json::array({Json{{"start", 0.0},
                                       {"seconds", 1.0},
                                       {"reads_ok", 5},
                                       {"p99", 0.2},
                                       {"max", 0.5},
                                       {"warm_up", true}},
                                  Json{{"start", 1.0},
                                       {"seconds", 1.0},
                                       {"reads_ok", 6},
                                       {"p99", 0.3},
                                       {"max", 0.6},
                                       {"warm_up", false}}});
  const Json second = Json::array({Json{{"start", 0.1},
                                        {"seconds", 0.9},
                                        {"reads_ok", 10},
                                        {"p99", 0.1},
                                        {"max", 0.7},
                                        {"warm_up", false}}});
  const Json first_read = AsRead(first);
  const Json second_read = AsRead(second);
  const Json merged = MergeSeries({&first_read, &second_read}, {0, 1});
  ASSERT_EQ(merged.size(), 2u);
  EXPECT_EQ(merged[0]["reads_ok"], 5);
  EXPECT_EQ(merged[0]["p99"], 0.2);
  EXPECT_EQ(merged[0]["warm_up"], true);
  EXPECT_EQ(merged[1]["start"], 1.0);
  EXPECT_EQ(merged[1]["seconds"], 1.0);
  EXPECT_EQ(merged[1]["reads_ok"], 16);
  EXPECT_EQ(merged[1]["max"], 0.7);
  EXPECT_TRUE(merged[1]["p99"].is_null());  // unknown, and no mean of the two
  EXPECT_EQ(merged[1]["warm_up"], false);
}

TEST(MergeStalenessTest, InversionsAreAmongTheReadsThatWereJudged) {
  const Json judged = AsRead({{"strict", {{"reads", 10}, {"stale", 2}}}, {"inversions", 1}});
  const Json unjudged = AsRead({{"inversions", 7}});
  const auto encoder = [](const ValueCounts&) { return std::string(); };
  const absl::StatusOr<Json> merged = MergeStaleness({&judged, &unjudged}, encoder);
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_EQ((*merged)["strict"]["reads"], 10);
  EXPECT_EQ((*merged)["inversions"], 1);
}

Json Window(double start, double seconds, unsigned stale) {
  return {{"start", start},
          {"seconds", seconds},
          {"failed", 1},
          {"unknown", 2},
          {"judged", 10},
          {"stale", stale},
          {"loosely_stale", 4},
          {"inversions", 5},
          {"read_response", {{1024, 6}, {2048, 4}}},
          {"write_response", Json::array()}};
}

TEST(MergeWindowsTest, AddsWhatFallsTogether) {
  const Json fine = AsRead({Window(1, 1, 1), Window(2, 1, 2), Window(3, 1, 3)});
  const Json coarse = AsRead({Window(0, 2, 7), Window(2, 2, 8)});
  // The second run began two seconds later.
  const Json merged = MergeWindows({&fine, &coarse}, {0, 2});
  ASSERT_EQ(merged.size(), 3u);
  EXPECT_EQ(merged[0]["start"], 0.0);
  EXPECT_EQ(merged[0]["seconds"], 2.0);
  EXPECT_EQ(merged[0]["stale"], 1);
  EXPECT_EQ(merged[1]["start"], 2.0);
  EXPECT_EQ(merged[1]["stale"], 2 + 3 + 7);
  EXPECT_EQ(merged[1]["failed"], 3);
  EXPECT_EQ(merged[1]["unknown"], 6);
  EXPECT_EQ(merged[1]["judged"], 30);
  EXPECT_EQ(merged[1]["loosely_stale"], 12);
  EXPECT_EQ(merged[1]["inversions"], 15);
  EXPECT_EQ(merged[1]["read_response"], AsRead({{1024, 18}, {2048, 12}}));
  EXPECT_EQ(merged[1]["write_response"], Json::array());
  EXPECT_EQ(merged[2]["stale"], 8);
}

TEST(MergeWindowsTest, AreBounded) {
  Json many = Json::array();
  for (int i = 0; i < 200; ++i) many.push_back(Window(i, 1, 1));
  const Json read = AsRead(many);
  const Json merged = MergeWindows({&read, &read}, {0, 1000});
  EXPECT_EQ(merged.size(), 200u);
  EXPECT_EQ(merged[0]["seconds"], 2.0);
  uint64_t stale = 0;
  for (const Json& window : merged) stale += window["stale"].get<uint64_t>();
  EXPECT_EQ(stale, 400u);
}

TEST(MergeWindowsTest, WhereOneLacksThemTheSumDoesToo) {
  const Json some = AsRead(Json::array({Window(1, 1, 1)}));
  const Json none = Json::array();
  EXPECT_EQ(MergeWindows({&some, &none}, {0, 0}), Json::array());
  for (const char* name : {"start", "seconds"}) {
    for (const Json& value : {Json(nullptr), Json(1e300), Json("x")}) {
      Json damaged = some;
      damaged[0][name] = value;
      EXPECT_EQ(MergeWindows({&some, &damaged}, {0, 0}), Json::array()) << damaged;
    }
  }
  Json damaged = some;
  damaged[0] = 5;
  EXPECT_EQ(MergeWindows({&damaged, &some}, {0, 0}), Json::array());
}

TEST(MergeVerdictsTest, TheWorstCounts) {
  const Json valid = {{"judgement", "valid"}, {"reasons", Json::array()}, {"exit_code", 0}};
  const Json shared = {
      {"judgement", "shared"}, {"reasons", Json::array({"cores"})}, {"exit_code", 0}};
  const Json none = {{"judgement", "void"}, {"reasons", Json::array({"drops"})}, {"exit_code", 3u}};
  const Json merged = MergeVerdicts({&shared, &none, &valid}, {"a", "b", "c"});
  EXPECT_EQ(merged["judgement"], "void");
  EXPECT_EQ(merged["reasons"], Json::array({"a: cores", "b: drops"}));
  EXPECT_EQ(merged["exit_code"], 3);
}

TEST(MergeFailuresTest, CountsLikeMessagesAndBoundsUnlikeOnes) {
  Json a = Json::array({Json{{"message", "refused"}, {"count", 3u}}});
  Json b = Json::array({Json{{"message", "refused"}, {"count", 4u}}});
  EXPECT_EQ(MergeFailures({&a, &b}), Json::array({Json{{"message", "refused"}, {"count", 7u}}}));
  for (int i = 0; i < 500; ++i) {
    b.push_back(Json{{"message", "failure " + std::to_string(i)}, {"count", 1u}});
  }
  const Json merged = MergeFailures({&a, &b});
  EXPECT_LE(merged.size(), 101u);
  uint64_t sum = 0;
  for (const Json& entry : merged) sum += CountAt(entry, "count");
  EXPECT_EQ(sum, 507u);
}

}  // namespace
}  // namespace quorate::loadgen
