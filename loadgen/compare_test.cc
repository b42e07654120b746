#include "loadgen/compare.h"

#include <cstdio>
#include <string>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/compare_command.h"
#include "loadgen/example_results.h"

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
  for (uint64_t pair = 0; pair < 25; ++pair) {
    const Comparison comparison =
        Compare(SummaryOfRun(2 * pair, run), SummaryOfRun(2 * pair + 1, run));
    EXPECT_TRUE(comparison.parameters.empty());
    for (const ComparedRow& row : comparison.rows) {
      tested += row.difference.has_value();
      marked += row.significant;
    }
  }
  EXPECT_GT(tested, 225);
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

// A run whose seconds drift says less about its percentiles than one whose seconds are alike.
TEST(CompareTest, DriftWidensTheIntervalsOfPercentiles) {
  const RunSummary a = SummaryOfRun(1, ExampleRun());
  RunSummary b = SummaryOfRun(2, ExampleRun());
  const Estimate steady = *Row(Compare(a, b), "read p90").difference;
  for (size_t i = 0; i < b.p99.size(); ++i) b.p99[i] = static_cast<double>(i);
  const Estimate drifting = *Row(Compare(a, b), "read p90").difference;
  EXPECT_EQ(steady.value, drifting.value);
  EXPECT_LT(drifting.low, steady.low);
  EXPECT_GT(drifting.high, steady.high);
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

TEST(CompareTest, WhatAFileDoesNotTellIsNotTested) {
  const ExampleRun run;
  const RunSummary whole = SummaryOfRun(1, run);
  const RunSummary documented = SummaryOf(DocumentedResultOf(DrawOperations(2, run)), "d.json");
  const Comparison comparison = Compare(whole, documented);
  EXPECT_FALSE(Row(comparison, "throughput").difference.has_value());
  EXPECT_FALSE(Row(comparison, "throughput").b.has_value());
  EXPECT_FALSE(Row(comparison, "failed operations").b.has_value());
  EXPECT_FALSE(Row(comparison, "stale reads, strict").difference.has_value());
  EXPECT_TRUE(Row(comparison, "stale reads, loose").difference.has_value());
  EXPECT_TRUE(Row(comparison, "read p50").difference.has_value());
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
