#include "loadgen/compare.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/compare_command.h"
#include "loadgen/design_effect.h"
#include "loadgen/distribution.h"
#include "loadgen/example_results.h"
#include "loadgen/latency_windows.h"
#include "loadgen/result_reader.h"
#include "loadgen/significance.h"

namespace quorate::loadgen {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::internal::CaptureStderr;
using ::testing::internal::CaptureStdout;
using ::testing::internal::GetCapturedStderr;
using ::testing::internal::GetCapturedStdout;

RunSummary SummaryOf(const Json& json, const std::string& path) {
  const absl::StatusOr<ResultDocument> document = ParseResult(json.dump(), path);
  EXPECT_TRUE(document.ok()) << document.status();
  const absl::StatusOr<RunSummary> summary = Summarize(*document);
  EXPECT_TRUE(summary.ok()) << summary.status();
  return *summary;
}

RunSummary SummaryOfRun(uint64_t seed, const ExampleRun& run) {
  return SummaryOf(ResultOf(DrawOperations(seed, run), run), "run.json");
}

const ComparedRow& Row(const Comparison& comparison, const std::string& name) {
  for (const ComparedRow& row : comparison.rows) {
    if (row.name == name) return row;
  }
  ADD_FAILURE() << "no row " << name;
  return comparison.rows[0];
}

std::string WriteFile(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + "/" + name;
  std::FILE* file = std::fopen(path.c_str(), "wb");
  EXPECT_NE(file, nullptr);
  std::fputs(text.c_str(), file);
  EXPECT_EQ(std::fclose(file), 0);
  return path;
}

TEST(CompareTest, LikeRunsAreRarelyToldApart) {
  const ExampleRun run;
  int marked = 0;
  int tested = 0;
  for (uint64_t pair = 0; pair < 10; ++pair) {
    const Comparison comparison =
        Compare(SummaryOfRun(2 * pair, run), SummaryOfRun(2 * pair + 1, run));
    EXPECT_TRUE(comparison.parameters.empty());
    for (const ComparedRow& row : comparison.rows) {
      tested += row.difference.has_value();
      marked += row.significant;
    }
  }
  EXPECT_GT(tested, 90);
  EXPECT_LT(marked, tested * 0.1);
}

TEST(CompareTest, DifferencesAreSeen) {
  ExampleRun slow;
  slow.slowness = 1.3;
  slow.stale_share = 0.2;
  slow.per_second = 210;
  slow.w = 2;
  const Comparison comparison = Compare(SummaryOfRun(1, ExampleRun()), SummaryOfRun(2, slow));
  for (const char* name : {"throughput", "read p50", "write p90", "stale reads, strict"}) {
    EXPECT_TRUE(Row(comparison, name).significant) << name;
    EXPECT_GT(Row(comparison, name).difference->low, 0) << name;
  }
  EXPECT_NEAR(*Row(comparison, "throughput").a, 200, 1e-9);
  EXPECT_NEAR(*Row(comparison, "throughput").b, 210, 1e-9);
  EXPECT_FALSE(Row(comparison, "inversions").significant);
  ASSERT_EQ(comparison.parameters.size(), 2u);
  EXPECT_EQ(comparison.parameters[0].name, "cluster.w");
  EXPECT_EQ(comparison.parameters[0].b, "2");
  EXPECT_EQ(comparison.parameters[1].name, "workload.qps");
  const std::string text = FormatComparison(comparison);
  EXPECT_THAT(text, HasSubstr("cluster.w"));
  EXPECT_THAT(text, HasSubstr("200 /s"));
  EXPECT_THAT(text, HasSubstr("+5.0 %  * +10 to +10 /s"));
}

// The same operations say less where the slow ones came together than where they were scattered.
TEST(CompareTest, OrderWidensTheIntervalsOfPercentiles) {
  const ExampleRun run;
  const RunSummary a = SummaryOfRun(1, run);
  std::vector<ExampleOperation> operations = DrawOperations(2, run);
  const Estimate scattered =
      *Row(Compare(a, SummaryOf(ResultOf(operations, run), "b.json")), "read p90").difference;
  // The slow half is in each other second.
  std::sort(operations.begin(), operations.end(),
            [](const ExampleOperation& left, const ExampleOperation& right) {
              return left.micros > right.micros;
            });
  for (size_t i = 0; i < operations.size(); ++i) {
    const bool slow = i < operations.size() / 2;
    operations[i].second = static_cast<int>(i) * 2 % run.seconds + (slow ? 0 : 1);
  }
  const Estimate together =
      *Row(Compare(a, SummaryOf(ResultOf(operations, run), "b.json")), "read p90").difference;
  EXPECT_EQ(scattered.value, together.value);
  EXPECT_LT(together.low, scattered.low);
  EXPECT_GT(together.high, scattered.high);
}

// A run, without the way through a file.
RunSummary Simulate(uint64_t seed, const ExampleRun& run) {
  RunSummary summary;
  summary.windows.emplace();
  RunWindows& windows = *summary.windows;
  windows.not_ok.resize(static_cast<size_t>(run.seconds));
  windows.strict.resize(static_cast<size_t>(run.seconds));
  std::vector<std::map<uint64_t, uint64_t>> reads(static_cast<size_t>(run.seconds));
  std::vector<double> durations;
  summary.not_ok = 0;
  summary.strict.emplace();
  for (const ExampleOperation& operation : DrawOperations(seed, run)) {
    const auto second = static_cast<size_t>(operation.second);
    ++windows.not_ok[second].trials;
    windows.not_ok[second].hits += operation.failed;
    ++(operation.failed ? *summary.not_ok : summary.ok);
    if (operation.failed || operation.write) continue;
    durations.push_back(static_cast<double>(operation.micros) * 1e-6);
    // In buckets of a sixth.
    const double bucket = std::floor(std::log2(static_cast<double>(operation.micros)) * 4);
    ++reads[second][static_cast<uint64_t>(std::exp2(bucket / 4) * 1000)];
    ++windows.strict[second].trials;
    windows.strict[second].hits += operation.stale;
    ++summary.strict->reads;
    summary.strict->stale += operation.stale;
  }
  Json list = Json::array();
  for (const std::map<uint64_t, uint64_t>& second : reads) {
    Json buckets = Json::array();
    for (const auto& [least, count] : second) buckets.push_back(Json::array({least, count}));
    list.push_back({{"read_response", std::move(buckets)}});
  }
  summary.read_response = Distribution::FromSeconds(durations);
  windows.read_response = *LatencyWindows::FromJson(list, "read_response");
  return summary;
}

struct Tally {
  int tested = 0;
  int marked = 0;
};

// In how many of the pairs a row is tested, and marked.
std::map<std::string, Tally> RowsOf(const ExampleRun& a, const ExampleRun& b, int pairs) {
  std::map<std::string, Tally> tallies;
  for (int pair = 0; pair < pairs; ++pair) {
    const auto seed = static_cast<uint64_t>(2 * pair + 1000);
    for (const ComparedRow& row : Compare(Simulate(seed, a), Simulate(seed + 1, b)).rows) {
      tallies[row.name].tested += row.difference.has_value();
      tallies[row.name].marked += row.significant;
    }
  }
  return tallies;
}

ExampleRun Steady() {
  ExampleRun run;
  run.seconds = 60;
  run.per_second = 100;
  run.failed_share = 0.02;
  return run;
}

ExampleRun Stalling(double seconds, double between) {
  ExampleRun run = Steady();
  run.failed_share = 0;
  run.stall_seconds = seconds;
  run.seconds_between_stalls = between;
  run.failed_in_stalls = 0.5;
  return run;
}

constexpr int kPairs = 40;
constexpr const char* kSimulatedRows[] = {"failed operations", "read p50", "read p90",
                                          "read p95",          "read p99", "stale reads, strict"};

// A row that is the same in truth may be marked in one of twenty pairs. In forty pairs that is more
// than six with a probability of 0.3 %. With intervals that take operations for independent, the
// short stalls have twelve marked at p99, and more than twenty in the share of failures.
TEST(CompareTest, LikeRunsAreRarelyToldApartWhateverTheirStalls) {
  for (const ExampleRun& run : {Steady(), Stalling(0.2, 10), Stalling(3, 60)}) {
    int marked = 0;
    const std::map<std::string, Tally> tallies = RowsOf(run, run, kPairs);
    for (const char* name : kSimulatedRows) {
      EXPECT_LE(tallies.at(name).marked, 6) << name << " with stalls of " << run.stall_seconds;
      // With a stall a minute, a run holds one or none, which says nothing of its share.
      if (run.stall_seconds < 1) {
        EXPECT_GE(tallies.at(name).tested, kPairs * 9 / 10) << name;
      }
      marked += tallies.at(name).marked;
    }
    EXPECT_LE(marked, kPairs * 6 / 20) << "with stalls of " << run.stall_seconds;
  }
}

TEST(CompareTest, DifferencesAreSeenInMostPairs) {
  ExampleRun worse = Steady();
  worse.slowness = 1.3;
  worse.failed_share = 0.04;
  worse.stale_share = 0.15;
  const std::map<std::string, Tally> steady = RowsOf(Steady(), worse, kPairs / 2);
  for (const char* name : {"failed operations", "read p50", "read p90", "stale reads, strict"}) {
    EXPECT_EQ(steady.at(name).marked, kPairs / 2) << name;
  }
  EXPECT_GE(steady.at("read p95").marked, kPairs / 2 * 3 / 4);
  // Stalls hide neither what is far from them, nor twenty times as many of them.
  ExampleRun stalling = Stalling(0.2, 2);
  stalling.slowness = 1.3;
  const std::map<std::string, Tally> stalls = RowsOf(Stalling(0.2, 40), stalling, kPairs / 2);
  for (const char* name : {"failed operations", "read p50"}) {
    EXPECT_GE(stalls.at(name).marked, kPairs / 2 * 9 / 10) << name;
  }
}

void Fail(ExampleOperation* operation) {
  operation->failed = true;
  operation->stale = false;
}

// All failures of a single second are one event, which one run may see and the next one may not.
TEST(CompareTest, ASingleBurstIsNoDifference) {
  const ExampleRun run;
  std::vector<ExampleOperation> operations = DrawOperations(2, run);
  for (ExampleOperation& operation : operations) {
    if (operation.second == 7) Fail(&operation);
  }
  const RunSummary a = SummaryOfRun(1, run);
  const Comparison once = Compare(a, SummaryOf(ResultOf(operations, run), "b.json"));
  EXPECT_FALSE(Row(once, "failed operations").difference.has_value());
  EXPECT_TRUE(once.b.tells_windows);
  EXPECT_EQ(Row(once, "failed operations").b, 0.05);
  EXPECT_THAT(FormatComparison(once), ContainsRegex("failed operations .*too little is known"));
  for (ExampleOperation& operation : operations) {
    if (operation.second % 3 == 1) Fail(&operation);
  }
  const Comparison often = Compare(a, SummaryOf(ResultOf(operations, run), "b.json"));
  EXPECT_TRUE(Row(often, "failed operations").significant) << FormatComparison(often);
}

// Files of earlier versions, and of other programs, do not tell what came together.
TEST(CompareTest, WithoutWindowsOnlyThroughputIsTested) {
  ExampleRun slow;
  slow.slowness = 3;
  slow.stale_share = 0.5;
  Json older = ResultOf(DrawOperations(2, slow), slow);
  older.erase("windows");
  const Comparison comparison =
      Compare(SummaryOfRun(1, ExampleRun()), SummaryOf(older, "older.json"));
  for (const ComparedRow& row : comparison.rows) {
    EXPECT_EQ(row.difference.has_value(), row.name == "throughput") << row.name;
    EXPECT_FALSE(row.significant) << row.name;
  }
  EXPECT_THAT(FormatComparison(comparison), HasSubstr("\n   does not tell how it went over time"));
  const Json json = ComparisonToJson(comparison);
  EXPECT_EQ(json["runs"]["a"]["tells_windows"], true);
  EXPECT_EQ(json["runs"]["b"]["tells_windows"], false);
}

TEST(CompareTest, AVoidRunIsSaidToBeSo) {
  const ExampleRun run;
  Json spoilt = ResultOf(DrawOperations(2, run), run);
  spoilt["verdict"] = {
      {"judgement", "void"}, {"reasons", {"400 operations were missed"}}, {"exit_code", 3}};
  spoilt["totals"]["missed"] = 400;
  const Comparison comparison = Compare(SummaryOfRun(1, run), SummaryOf(spoilt, "void.json"));
  EXPECT_FALSE(Row(comparison, "read p99").difference.has_value());
  EXPECT_TRUE(Row(comparison, "stale reads, strict").difference.has_value());
  const std::string text = FormatComparison(comparison);
  EXPECT_THAT(text, HasSubstr("VOID"));
  EXPECT_THAT(text, ContainsRegex("read p99 .*  not tested: void\n"));
  EXPECT_THAT(text, ContainsRegex("write p50 .*  not tested: void\n"));
  EXPECT_THAT(text, Not(HasSubstr("too little is known")));
  EXPECT_THAT(text, HasSubstr("400 operations were missed"));
  const Json json = ComparisonToJson(comparison);
  EXPECT_EQ(json["runs"]["a"]["judgement"], "valid");
  EXPECT_EQ(json["runs"]["b"]["judgement"], "void");
  EXPECT_EQ(json["runs"]["b"]["missed"], 400);
  for (const Json& row : json["rows"]) {
    const bool percentile = row["unit"] == "s";
    EXPECT_EQ(row["void"], percentile) << row;
    EXPECT_EQ(row["significant"].is_null(), percentile) << row;
  }
}

TEST(CompareTest, LatenciesThatAVerdictForbidsAreNotTested) {
  const ExampleRun run;
  Json spoilt = ResultOf(DrawOperations(2, run), run);
  const std::string reason = "the send lag is 60 % of writes: use no latency of these";
  spoilt["verdict"] = {{"judgement", "shared"}, {"reasons", {reason}}, {"exit_code", 0}};
  const Comparison comparison = Compare(SummaryOf(spoilt, "spoilt.json"), SummaryOfRun(1, run));
  EXPECT_TRUE(Row(comparison, "read p50").difference.has_value());
  EXPECT_FALSE(Row(comparison, "write p50").difference.has_value());
  EXPECT_TRUE(Row(comparison, "write p50").is_void);
  EXPECT_TRUE(Row(comparison, "failed operations").difference.has_value());
  EXPECT_THAT(FormatComparison(comparison), HasSubstr("\n   " + reason + "\nB: "));
}

TEST(CompareTest, ThroughputIsThatOfTheMeasuredTime) {
  const ExampleRun run;
  Json json = ResultOf(DrawOperations(2, run), run);
  // Half of it was measured.
  json["series"][1]["warm_up"] = true;
  json["totals"]["achieved_per_second"] = 190;
  const Comparison comparison = Compare(SummaryOfRun(1, run), SummaryOf(json, "b.json"));
  EXPECT_EQ(Row(comparison, "throughput").b, 190);
  EXPECT_TRUE(Row(comparison, "throughput").difference.has_value());
  json["totals"]["achieved_per_second"] = nullptr;
  EXPECT_NEAR(*Row(Compare(SummaryOfRun(1, run), SummaryOf(json, "b.json")), "throughput").b, 200,
              1e-9);
}

TEST(CompareTest, WhatAFileDoesNotTellIsNotTested) {
  const ExampleRun run;
  const RunSummary whole = SummaryOfRun(1, run);
  const RunSummary documented = SummaryOf(DocumentedResultOf(DrawOperations(2, run)), "d.json");
  const Comparison comparison = Compare(whole, documented);
  EXPECT_FALSE(Row(comparison, "throughput").difference.has_value());
  EXPECT_FALSE(Row(comparison, "throughput").b.has_value());
  EXPECT_FALSE(Row(comparison, "failed operations").b.has_value());
  EXPECT_FALSE(Row(comparison, "stale reads, strict").difference.has_value());
  EXPECT_FALSE(Row(comparison, "stale reads, loose").difference.has_value());
  EXPECT_TRUE(Row(comparison, "stale reads, loose").b.has_value());
  EXPECT_FALSE(Row(comparison, "read p50").difference.has_value());
  EXPECT_TRUE(Row(comparison, "read p50").b.has_value());
  EXPECT_THAT(FormatComparison(comparison), HasSubstr("not tested"));
  const Json json = ComparisonToJson(comparison);
  EXPECT_TRUE(json["rows"][0]["significant"].is_null());
  EXPECT_TRUE(json["rows"][0]["b"].is_null());
  // Nothing at all on either side.
  const RunSummary empty = SummaryOf(DocumentedResultOf({}), "e.json");
  EXPECT_FALSE(FormatComparison(Compare(empty, empty)).empty());
}

TEST(CompareCommandTest, PrintsTablesAndJson) {
  const ExampleRun run;
  const std::string a = WriteFile("compare_a.json", ResultOf(DrawOperations(1, run), run).dump());
  const std::string b = WriteFile("compare_b.json", ResultOf(DrawOperations(2, run), run).dump());
  CaptureStdout();
  EXPECT_EQ(CompareCommand({a, b}), 0);
  EXPECT_THAT(GetCapturedStdout(), HasSubstr("Both ran with the same settings."));
  CaptureStdout();
  EXPECT_EQ(CompareCommand({"--json", a, b}), 0);
  const Json json = Json::parse(GetCapturedStdout(), nullptr, /*allow_exceptions=*/false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["rows"][0]["name"], "throughput");
  CaptureStdout();
  EXPECT_EQ(CompareCommand({"--help"}), 0);
  EXPECT_THAT(GetCapturedStdout(), HasSubstr("Usage: loadgen compare"));
}

TEST(CompareCommandTest, SaysWhatIsWrong) {
  const std::string foreign = WriteFile("compare_foreign.json", "{\"a\": 1}");
  CaptureStderr();
  EXPECT_EQ(CompareCommand({foreign, foreign}), 1);
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("is no result of a load run"));
  CaptureStderr();
  EXPECT_EQ(CompareCommand({foreign}), 2);
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("two result files are needed, not 1"));
  CaptureStderr();
  EXPECT_EQ(CompareCommand({"--fast", foreign, foreign}), 2);
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("'--fast' is no flag"));
}

}  // namespace
}  // namespace quorate::loadgen
