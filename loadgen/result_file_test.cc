#include "loadgen/result_file.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "loadgen/result_example.h"

namespace quorate::loadgen {
namespace {

using nlohmann::json;

json Parsed(const ResultFile& result) {
  json parsed = json::parse(FormatResult(result), nullptr, /*allow_exceptions=*/false);
  EXPECT_FALSE(parsed.is_discarded());
  return parsed;
}

TEST(ResultFileTest, TheDocumentedPartHasItsNamesAndSeconds) {
  const json result = Parsed(ExampleResult());
  EXPECT_EQ(result["mode"], "leader");
  EXPECT_EQ(result["write_latencies"], json({0.002, 0.004}));
  EXPECT_EQ(result["read_latencies"], json({0.001, 0.002, 0.003}));
  EXPECT_EQ(result["read_write_intervals"], json({0.5, 1e-9}));
  EXPECT_EQ(result["stale_reads"], json::parse(R"([{"key": "key \"7\"\n", "expected_version": 5,
                                                    "actual_version": 4, "time_since_write": 0.0125}])"));
  EXPECT_EQ(result["statistics"],
            json::parse(R"({"total_writes": 2, "total_reads": 4, "total_stale_reads": 1,
                            "write_avg_latency": 0.003, "read_avg_latency": 0.0025})"));
}

TEST(ResultFileTest, EmptyListsAreListsAndUnknownNumbersAreNull) {
  const json result = Parsed(ResultFile());
  for (const char* list : {"write_latencies", "read_latencies", "stale_reads",
                           "read_write_intervals", "operations", "series", "failures", "servers"}) {
    EXPECT_EQ(result[list], json::array()) << list;
  }
  EXPECT_EQ(result["run"]["command"], json::array());
  EXPECT_EQ(result["staleness"]["k"], json::array());
  EXPECT_EQ(result["send_lag"]["percentiles"], json::object());
  EXPECT_EQ(result["prediction"], nullptr);
  EXPECT_EQ(result["statistics"]["read_avg_latency"], nullptr);
  EXPECT_EQ(result["run"]["cluster"]["w"], nullptr);
  EXPECT_EQ(result["totals"]["offered_per_second"], nullptr);
}

TEST(ResultFileTest, InfinityIsNullToo) {
  ResultFile result;
  result.run.workload.qps = std::numeric_limits<double>::infinity();
  result.read_latencies = {std::numeric_limits<double>::infinity(), 1, -kUnknownNumber};
  const json parsed = Parsed(result);
  EXPECT_EQ(parsed["run"]["workload"]["qps"], nullptr);
  EXPECT_EQ(parsed["read_latencies"], json({1.0}));
}

TEST(ResultFileTest, SectionsHoldWhatWasPutIn) {
  const json result = Parsed(ExampleResult());
  EXPECT_EQ(result["schema"], "quorate.loadgen.result/1");
  EXPECT_EQ(result["raw_samples"]["read_latencies_cut"], 1);
  EXPECT_EQ(result["run"]["seed"], 18'446'744'073'709'551'615u);
  EXPECT_EQ(result["run"]["command"][4], "a b.json");
  EXPECT_EQ(result["run"]["cluster"]["emulate"], "classroom");
  EXPECT_EQ(result["run"]["phases"][1], json({{"name", "measure"}, {"start", 1.0}, {"end", 4.0}}));
  const json& response = result["operations"][0]["response"];
  EXPECT_EQ(response["percentiles"], json::parse(R"({"50": 0.002, "99": null})"));
  EXPECT_EQ(response["intervals95"], json::parse(R"({"50": [0.001, 0.003], "99": null})"));
  EXPECT_EQ(response["histogram"]["sparse"],
            json::parse("[[1000000, 1], [2000000, 2], [4000000, 1]]"));
  EXPECT_EQ(result["operations"][1]["outcome"], "unknown");
  EXPECT_EQ(result["staleness"]["by_interval"][1],
            json::parse(R"({"from": 0.001, "to": null, "reads": 2, "stale": 0,
                            "low": null, "high": null})"));
  EXPECT_EQ(result["staleness"]["sessions"]["read_your_writes"], 3);
  EXPECT_EQ(result["prediction"]["points"][1]["stale_joint"], 0.1);
  EXPECT_EQ(result["servers"][0]["counters"], json({{"hints", 0}, {"repairs", 3}}));
  EXPECT_EQ(result["verdict"]["judgement"], "shared");
}

TEST(ResultFileTest, NumbersKeepTheirLastDigit) {
  ResultFile result;
  result.read_latencies = {0.1 + 0.2, 1.0 / 3, 5e-324};
  const json parsed = Parsed(result);
  for (size_t i = 0; i < result.read_latencies.size(); ++i) {
    EXPECT_EQ(parsed["read_latencies"][i].get<double>(), result.read_latencies[i]);
  }
}

TEST(ResultFileTest, BytesThatAreNoTextAreReplaced) {
  ResultFile result;
  result.failures = {{"bad \xff byte", 1}};
  result.run.command = {"loadgen", "\xc3\x28"};
  const json parsed = Parsed(result);
  EXPECT_EQ(parsed["failures"][0]["message"], "bad \xef\xbf\xbd byte");
}

TEST(ResultFileTest, EachSectionHasALine) {
  const std::string text = FormatResult(ExampleResult());
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 22);
  EXPECT_EQ(text.back(), '\n');
}

TEST(ResultFileTest, WritesWhatItFormats) {
  const std::string path = ::testing::TempDir() + "/result_file_test.json";
  ASSERT_EQ(WriteResult(path, ExampleResult()), absl::OkStatus());
  std::ifstream file(path);
  const std::string content((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(content, FormatResult(ExampleResult()));
  EXPECT_EQ(WriteResult("/dev/full", ExampleResult()).code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace quorate::loadgen
