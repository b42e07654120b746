#include "loadgen/merge.h"

#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/example_results.h"
#include "loadgen/merge_command.h"

namespace quorate::loadgen {
namespace {

using ::testing::HasSubstr;
using ::testing::internal::CaptureStderr;
using ::testing::internal::CaptureStdout;
using ::testing::internal::GetCapturedStderr;
using ::testing::internal::GetCapturedStdout;

ResultDocument DocumentOf(const Json& json, const std::string& path) {
  const absl::StatusOr<ResultDocument> document = ParseResult(json.dump(), path);
  EXPECT_TRUE(document.ok()) << document.status();
  return *document;
}

ExampleRun Generator(uint64_t seed) {
  ExampleRun run;
  run.seed = seed;
  return run;
}

std::string ErrorOf(const std::vector<ResultDocument>& documents) {
  const absl::StatusOr<Json> merged = MergeResults(documents, MergeOptions());
  EXPECT_EQ(merged.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(merged.status().message());
}

// The operations of one run are dealt to three files; their sum must tell what a file of all of
// them tells.
TEST(MergeTest, TheSumOfPartsIsTheWhole) {
  const ExampleRun run = Generator(1);
  const std::vector<ExampleOperation> all = DrawOperations(9, run);
  std::vector<std::vector<ExampleOperation>> parts(3);
  for (size_t i = 0; i < all.size(); ++i) parts[(i * i) % 7 % 3].push_back(all[i]);
  std::vector<ResultDocument> documents;
  for (size_t i = 0; i < parts.size(); ++i) {
    ASSERT_FALSE(parts[i].empty());
    documents.push_back(DocumentOf(ResultOf(parts[i], Generator(i)), "part.json"));
  }
  const absl::StatusOr<Json> merged = MergeResults(documents, MergeOptions());
  ASSERT_TRUE(merged.ok()) << merged.status();
  const Json whole = Json::parse(ResultOf(all, run).dump());

  const Json& totals = (*merged)["statistics"];
  EXPECT_EQ(totals["total_writes"], whole["statistics"]["total_writes"]);
  EXPECT_EQ(totals["total_stale_reads"], whole["statistics"]["total_stale_reads"]);
  EXPECT_NEAR(totals["read_avg_latency"].get<double>(),
              whole["statistics"]["read_avg_latency"].get<double>(), 1e-9);
  for (const char* name : {"send_lag"}) {
    EXPECT_EQ((*merged)[name]["histogram"]["sparse"], whole[name]["histogram"]["sparse"]);
  }
  for (size_t i = 0; i < 2; ++i) {
    const Json& operation = (*merged)["operations"][i];
    const Json& expected = whole["operations"][i];
    EXPECT_EQ(operation["operation"], expected["operation"]);
    EXPECT_EQ(operation["count"], expected["count"]);
    EXPECT_EQ(operation["response"]["histogram"]["sparse"],
              expected["response"]["histogram"]["sparse"]);
    const Distribution distribution = *Distribution::FromJson(expected["response"], "whole");
    EXPECT_EQ(operation["response"]["percentiles"]["99"], *distribution.Percentile(0.99));
    EXPECT_EQ(operation["response"]["max"], expected["response"]["max"]);
  }
  EXPECT_EQ((*merged)["staleness"]["strict"]["stale"], whole["staleness"]["strict"]["stale"]);
  EXPECT_EQ((*merged)["staleness"]["k"], whole["staleness"]["k"]);
  EXPECT_EQ((*merged)["staleness"]["t"]["count"], whole["staleness"]["t"]["count"]);
  ASSERT_EQ((*merged)["series"].size(), whole["series"].size());
  for (size_t i = 0; i < whole["series"].size(); ++i) {
    EXPECT_EQ((*merged)["series"][i]["reads_ok"], whole["series"][i]["reads_ok"]);
    EXPECT_EQ((*merged)["series"][i]["stale"], whole["series"][i]["stale"]);
    EXPECT_EQ((*merged)["series"][i]["max"], whole["series"][i]["max"]);
  }
}

TEST(MergeTest, RunsOneAfterTheOtherAreAveragedAndTheirCountsAdded) {
  const ExampleRun run;
  auto first = ResultOf(DrawOperations(1, run), Generator(1));
  auto second = ResultOf(DrawOperations(2, run), Generator(2));
  first["run"]["started_at"] = "2026-01-01T00:00:00Z";
  second["run"]["started_at"] = "2026-01-01T01:00:00Z";
  for (auto* json : {&first, &second}) {
    (*json)["servers"] = {{{"node", "1"}, {"counters", {{"reads", 5}}}}};
  }
  const absl::StatusOr<Json> merged =
      MergeResults({DocumentOf(first, "a.json"), DocumentOf(second, "b.json")}, MergeOptions());
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_EQ((*merged)["totals"]["achieved_per_second"], 200.0);
  EXPECT_EQ((*merged)["run"]["workload"]["qps"], 200.0);
  EXPECT_EQ((*merged)["servers"][0]["counters"]["reads"], 10);
}

TEST(MergeTest, TellsWhatIsOfAllAndWhatIsUnknown) {
  ExampleRun run;
  run.failed_share = 0.01;
  const Json first = ResultOf(DrawOperations(1, run), Generator(1));
  const Json second = ResultOf(DrawOperations(2, run), Generator(2));
  MergeOptions options;
  options.command = {"loadgen", "merge"};
  options.encoder = [](const ValueCounts& values) { return std::to_string(values.size()); };
  const absl::StatusOr<Json> merged =
      MergeResults({DocumentOf(first, "a.json"), DocumentOf(second, "b.json")}, options);
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_EQ((*merged)["schema"], kResultSchema);
  EXPECT_EQ((*merged)["totals"]["scheduled"], 8000);
  EXPECT_EQ((*merged)["totals"]["achieved_per_second"], 400.0);  // side by side
  EXPECT_EQ((*merged)["totals"]["waited"], 4);
  EXPECT_EQ((*merged)["run"]["workload"]["qps"], 400.0);
  EXPECT_TRUE((*merged)["run"]["workload"]["top_key_share"].is_null());
  EXPECT_EQ((*merged)["run"]["command"], Json::array({"loadgen", "merge"}));
  EXPECT_EQ((*merged)["operations"][2]["count"],
            CountAt(first["operations"][2], "count") + CountAt(second["operations"][2], "count"));
  EXPECT_EQ((*merged)["failures"][0]["count"], 14);
  EXPECT_EQ((*merged)["servers"].size(), 1u);
  EXPECT_EQ((*merged)["staleness"]["inversions"], 4);
  EXPECT_EQ((*merged)["staleness"]["sessions"]["monotonic_read"], 6);
  EXPECT_EQ((*merged)["staleness"]["by_interval"].size(), 2u);
  EXPECT_TRUE((*merged)["staleness"]["by_interval"][1]["to"].is_null());
  EXPECT_TRUE((*merged)["prediction"].is_null());
  EXPECT_EQ((*merged)["send_lag"]["histogram"]["encoded"],
            std::to_string((*merged)["send_lag"]["histogram"]["sparse"].size()));
  // A sum can be read, and added up again.
  const absl::StatusOr<ResultDocument> again = ParseResult(FormatMerged(*merged), "sum.json");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(Summarize(*again).ok());
  EXPECT_TRUE(
      MergeResults({*again, DocumentOf(ResultOf(DrawOperations(3, run), Generator(3)), "c.json")},
                   options)
          .ok());
}

TEST(MergeTest, RunsOneAfterTheOtherDoNotAddTheirRates) {
  ExampleRun later = Generator(2);
  later.started_at = "2026-01-02T03:05:05+00:00";  // a minute later
  later.per_second = 100;
  const absl::StatusOr<Json> merged =
      MergeResults({DocumentOf(ResultOf(DrawOperations(2, later), later), "b.json"),
                    DocumentOf(ResultOf(DrawOperations(1, Generator(1)), Generator(1)), "a.json")},
                   MergeOptions());
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_NEAR((*merged)["totals"]["achieved_per_second"].get<double>(), 150, 1e-9);
  EXPECT_EQ((*merged)["run"]["started_at"], "2026-01-02T03:04:05Z");
  EXPECT_EQ((*merged)["series"].size(), 42u);
  const Json expected = Json::parse(R"([{"name": "warm-up", "start": 0.0, "end": 1.0},
                                        {"name": "measure", "start": 1.0, "end": 21.0},
                                        {"name": "warm-up", "start": 60.0, "end": 61.0},
                                        {"name": "measure", "start": 61.0, "end": 81.0}])");
  EXPECT_EQ((*merged)["run"]["phases"], expected);
  EXPECT_FALSE((*merged)["series"][5]["p99"].is_null());  // of one file alone
}

TEST(MergeTest, ASumOfSumsIsTheSum) {
  const auto document = [](uint64_t seed, int per_second, const std::string& started_at) {
    ExampleRun run = Generator(seed);
    run.per_second = per_second;
    run.started_at = started_at;
    Json json = ResultOf(DrawOperations(seed, run), run);
    json["servers"] = {{{"node", "1"}, {"counters", {{"reads", 5}}}}};
    return DocumentOf(json, std::to_string(seed) + ".json");
  };
  // 20 s each, with 40 s between the first two.
  const ResultDocument a = document(1, 200, "2026-01-02T03:00:00Z");
  const ResultDocument b = document(2, 200, "2026-01-02T03:01:00Z");
  for (const char* start : {"2026-01-02T03:00:30Z", "2026-01-02T03:02:00Z"}) {
    const ResultDocument c = document(3, 500, start);
    const ResultDocument a_and_b = DocumentOf(*MergeResults({a, b}, MergeOptions()), "ab.json");
    const absl::StatusOr<Json> of_sum = MergeResults({a_and_b, c}, MergeOptions());
    const absl::StatusOr<Json> of_all = MergeResults({a, b, c}, MergeOptions());
    ASSERT_TRUE(of_sum.ok() && of_all.ok()) << of_sum.status() << of_all.status();
    for (const Json& sum : {*of_sum, *of_all}) {
      EXPECT_NEAR(sum["totals"]["achieved_per_second"].get<double>(), 300, 1e-9) << start;
      EXPECT_NEAR(sum["run"]["workload"]["qps"].get<double>(), 300, 1e-9) << start;
      EXPECT_EQ(sum["servers"][0]["counters"]["reads"], 15) << start;
    }
    EXPECT_EQ((*of_sum)["run"]["phases"], (*of_all)["run"]["phases"]) << start;
  }
}

TEST(MergeTest, WindowsAddUpToTheSumOrAreLeftOut) {
  ExampleRun run;
  run.failed_share = 0.01;
  const auto summary = [](const Json& a, const Json& b) {
    const absl::StatusOr<Json> merged =
        MergeResults({DocumentOf(a, "a.json"), DocumentOf(b, "b.json")}, MergeOptions());
    EXPECT_TRUE(merged.ok()) << merged.status();
    return *Summarize(DocumentOf(*merged, "sum.json"));
  };
  const Json first = ResultOf(DrawOperations(1, run), Generator(1));
  Json second = ResultOf(DrawOperations(2, run), Generator(2));
  second["run"]["started_at"] = "2026-01-02T03:04:12.3Z";
  const RunSummary sum = summary(first, second);
  ASSERT_TRUE(sum.windows.has_value());
  EXPECT_GT(sum.windows->strict.size(), 20u);
  EXPECT_EQ(sum.windows->read_response.count(), static_cast<double>(sum.read_response.count()));
  second.erase("windows");
  EXPECT_FALSE(summary(first, second).windows.has_value());
}

TEST(MergeTest, RawListsStayWithinTheirLimit) {
  ExampleRun run = Generator(1);
  run.raw_limit = 100;
  ExampleRun other = Generator(2);
  other.raw_limit = 150;
  const Json a = ResultOf(DrawOperations(1, run), run);
  const Json b = ResultOf(DrawOperations(2, other), other);
  const absl::StatusOr<Json> merged =
      MergeResults({DocumentOf(a, "a.json"), DocumentOf(b, "b.json")}, MergeOptions());
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_EQ((*merged)["raw_samples"]["limit"], 100);
  EXPECT_EQ((*merged)["write_latencies"].size(), 100u);
  EXPECT_EQ((*merged)["raw_samples"]["write_latencies_cut"].get<uint64_t>() + 100,
            (*merged)["statistics"]["total_writes"].get<uint64_t>());
}

TEST(MergeTest, RefusesWhatCannotBeAddedUp) {
  const ExampleRun run;
  const ResultDocument a = DocumentOf(ResultOf(DrawOperations(1, run), Generator(1)), "a.json");
  ExampleRun other = Generator(2);
  other.w = 3;
  const ResultDocument b = DocumentOf(ResultOf(DrawOperations(2, run), other), "b.json");
  EXPECT_EQ(ErrorOf({a, b}), "a.json and b.json are unlike: cluster.w (1 and 3)");
  EXPECT_EQ(ErrorOf({a}), "at least two result files are needed");
  EXPECT_EQ(ErrorOf({a, a}), "a.json and a.json are the same run");
  const ResultDocument documented =
      DocumentOf(DocumentedResultOf(DrawOperations(2, run)), "d.json");
  EXPECT_THAT(ErrorOf({a, documented}), HasSubstr("d.json has no histograms"));
  Json damaged = b.json;
  damaged["run"]["cluster"]["w"] = 1;
  damaged["send_lag"]["count"] = 5;
  EXPECT_THAT(ErrorOf({a, DocumentOf(damaged, "b.json")}), HasSubstr("'send_lag' is damaged"));
  damaged = b.json;
  damaged["run"]["cluster"]["w"] = 1;
  damaged["send_lag"]["histogram"]["significant_digits"] = 2;
  EXPECT_THAT(ErrorOf({a, DocumentOf(damaged, "b.json")}), HasSubstr("3 digits"));
}

TEST(MergeCommandTest, WritesTheSum) {
  const std::string folder = ::testing::TempDir();
  for (const uint64_t seed : {1, 2}) {
    std::ofstream file(folder + "/merge_" + std::to_string(seed) + ".json");
    file << ResultOf(DrawOperations(seed, ExampleRun()), Generator(seed)).dump();
  }
  const std::string output = folder + "/merge_sum.json";
  const std::vector<std::string> files = {folder + "/merge_1.json", folder + "/merge_2.json"};
  CaptureStdout();
  EXPECT_EQ(MergeCommand({"-output", output, files[0], files[1]}, nullptr), 0);
  EXPECT_THAT(GetCapturedStdout(), HasSubstr("merge_sum.json: 2 runs with "));
  const absl::StatusOr<ResultDocument> sum = ReadResultFile(output);
  ASSERT_TRUE(sum.ok()) << sum.status();
  EXPECT_EQ(Summarize(*sum)->ok, 8000u);

  CaptureStderr();
  EXPECT_EQ(MergeCommand({"--output=/nowhere/sum.json", files[0], files[1]}, nullptr), 1);
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("cannot write /nowhere/sum.json: there is no folder"));
  CaptureStderr();
  EXPECT_EQ(MergeCommand({"-output", output, files[0], "/nowhere/a.json"}, nullptr), 1);
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("/nowhere/a.json cannot be opened"));
}

TEST(MergeCommandTest, SaysHowItIsUsed) {
  CaptureStdout();
  EXPECT_EQ(MergeCommand({"--help"}, nullptr), 0);
  EXPECT_THAT(GetCapturedStdout(), HasSubstr("Usage: loadgen merge -output OUT"));
  CaptureStderr();
  EXPECT_EQ(MergeCommand({"a.json", "b.json"}, nullptr), 2);
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("-output FILE is needed"));
  CaptureStderr();
  EXPECT_EQ(MergeCommand({"-output", "c.json", "a.json"}, nullptr), 2);
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("at least two result files"));
  CaptureStderr();
  EXPECT_EQ(MergeCommand({"a.json", "-output"}, nullptr), 2);
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("lacks its value"));
  CaptureStderr();
  EXPECT_EQ(MergeCommand({"--fast"}, nullptr), 2);
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("'--fast' is no flag"));
}

}  // namespace
}  // namespace quorate::loadgen
