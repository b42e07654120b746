#include "loadgen/result_reader.h"

#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/example_results.h"

namespace quorate::loadgen {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(absl::string_view text) {
  const absl::StatusOr<ResultDocument> document = ParseResult(text, "a.json");
  return document.ok() ? "" : std::string(document.status().message());
}

TEST(ResultReaderTest, ReadsAFileOfThisProgram) {
  ExampleRun run;
  run.failed_share = 0.01;
  const std::string path = ::testing::TempDir() + "/reads_a_file.json";
  std::FILE* file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  std::fputs(ResultOf(DrawOperations(1, run), run).dump().c_str(), file);
  ASSERT_EQ(std::fclose(file), 0);
  const absl::StatusOr<ResultDocument> document = ReadResultFile(path);
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_FALSE(document->documented_only);
  const absl::StatusOr<RunSummary> summary = Summarize(*document);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->mode, "leaderless");
  EXPECT_EQ(summary->read_response.count() + summary->write_response.count(), summary->ok);
  EXPECT_GT(*summary->not_ok, 0u);
  EXPECT_EQ(summary->ok + *summary->not_ok, 4000u);
  EXPECT_EQ(summary->throughput.size(), 20u);  // without the warm-up
  EXPECT_NEAR(summary->throughput[3], 200, 10);
  ASSERT_TRUE(summary->windows.has_value());
  EXPECT_EQ(summary->windows->strict.size(), 20u);
  EXPECT_EQ(summary->windows->read_response.count() + summary->windows->write_response.count(),
            static_cast<double>(summary->ok));
  EXPECT_EQ(summary->strict->reads, summary->read_response.count());
  EXPECT_EQ(summary->loose->stale, summary->strict->stale + 1);
  EXPECT_EQ(summary->parameters.at("cluster.w"), "1");
  EXPECT_EQ(summary->parameters.count("workload.top_key_share"), 0u);
}

TEST(ResultReaderTest, WindowsThatContradictTheFileAreNotBelieved) {
  const ExampleRun run;
  const Json whole = ResultOf(DrawOperations(1, run), run);
  const auto told = [](const Json& json) {
    const absl::StatusOr<ResultDocument> document = ParseResult(json.dump(), "a.json");
    EXPECT_TRUE(document.ok()) << document.status();
    const absl::StatusOr<RunSummary> summary = Summarize(*document);
    EXPECT_TRUE(summary.ok()) << summary.status();
    return summary.ok() && summary->windows.has_value();
  };
  EXPECT_TRUE(told(whole));
  for (const char* name : {"failed", "unknown", "judged", "stale", "loosely_stale", "inversions"}) {
    Json other = whole;
    other["windows"][0][name] = other["windows"][0][name].get<uint64_t>() + 1;
    EXPECT_FALSE(told(other)) << name;
  }
  Json other = whole;
  other["windows"][3]["read_response"].erase(0);
  EXPECT_FALSE(told(other));
  other = whole;
  other["windows"].erase(5);
  EXPECT_FALSE(told(other));
  // More stale reads than reads, though the sums are right.
  other = whole;
  const uint64_t judged = other["windows"][0]["judged"];
  const uint64_t next = other["windows"][1]["judged"];
  other["windows"][0]["judged"] = 0;
  other["windows"][1]["judged"] = judged + next;
  EXPECT_FALSE(told(other));
  for (const Json& none : {Json(nullptr), Json::array()}) {
    other["windows"] = none;
    EXPECT_FALSE(told(other));
  }
  other.erase("windows");
  EXPECT_FALSE(told(other));
}

TEST(ResultReaderTest, DamagedWindowsAreRefused) {
  const ExampleRun run;
  const Json whole = ResultOf(DrawOperations(1, run), run);
  const auto error = [](const Json& json) {
    const absl::StatusOr<ResultDocument> document = ParseResult(json.dump(), "a.json");
    EXPECT_TRUE(document.ok()) << document.status();
    return std::string(Summarize(*document).status().message());
  };
  Json other = whole;
  other["windows"] = "many";
  EXPECT_THAT(error(other), HasSubstr("a.json 'windows' is damaged: it is no list"));
  other = whole;
  while (other["windows"].size() <= 256) other["windows"].push_back(other["windows"][0]);
  EXPECT_THAT(error(other), HasSubstr("it has more than 256"));
  for (const char* text : {"5", "null", "[5]", "[[1]]", "[[1, 2, 3]]", "[[1, -2]]", "[[-1, 2]]",
                           "[[1, 2.5]]", "[[2, 1], [2, 1]]", "[[9223372036854775808, 1]]"}) {
    other = whole;
    other["windows"][2]["write_response"] = Json::parse(text);
    EXPECT_THAT(error(other), HasSubstr("its write_response ")) << text;
  }
  Json buckets = Json::array();
  for (int i = 0; i < 1025; ++i) buckets.push_back({i, 1});
  other["windows"][2]["write_response"] = buckets;
  EXPECT_THAT(error(other), HasSubstr("has more buckets"));
  other["windows"][2] = 7;
  EXPECT_THAT(error(other), HasSubstr("is no list"));
}

TEST(ResultReaderTest, APairIsNoThirdOperation) {
  ExampleRun run;
  auto json = ResultOf(DrawOperations(1, run), run);
  auto pair = json["operations"][0];
  pair["operation"] = "read_modify_write";
  pair["outcome"] = "ok";
  pair["count"] = 500;
  json["operations"].push_back(pair);
  const absl::StatusOr<ResultDocument> document = ParseResult(json.dump(), "pairs.json");
  ASSERT_TRUE(document.ok()) << document.status();
  const absl::StatusOr<RunSummary> summary = Summarize(*document);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->ok, 4000u);
  EXPECT_EQ(summary->read_response.count() + summary->write_response.count(), 4000u);
}

TEST(ResultReaderTest, ReadsTheDocumentedPartAloneWithNulls) {
  ExampleRun run;
  const Json json = DocumentedResultOf(DrawOperations(1, run));
  const absl::StatusOr<ResultDocument> document = ParseResult(json.dump(), "a.json");
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_TRUE(document->documented_only);
  const absl::StatusOr<RunSummary> summary = Summarize(*document);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->read_response.count() + summary->write_response.count(), 4000u);
  EXPECT_FALSE(summary->strict.has_value());
  EXPECT_GT(summary->loose->stale, 0u);

  const absl::StatusOr<ResultDocument> empty = ParseResult(DocumentedResultOf({}).dump(), "a.json");
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_EQ(Summarize(*empty)->write_response.count(), 0u);
}

TEST(ResultReaderTest, SaysWhatIsWrong) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("a.json is empty"));
  EXPECT_THAT(ErrorOf(" \n"), HasSubstr("a.json is empty"));
  EXPECT_THAT(ErrorOf("latency 5 ms"), HasSubstr("is no JSON"));
  EXPECT_THAT(ErrorOf("[1, 2]"), HasSubstr("is no result of a load run"));
  EXPECT_THAT(ErrorOf("5"), HasSubstr("is no result of a load run"));
  EXPECT_THAT(ErrorOf("{}"), HasSubstr("is no result of a load run"));
  EXPECT_THAT(ErrorOf(R"({"mode": "leader", "statistics": {}})"),
              HasSubstr("lacks 'write_latencies'"));
  EXPECT_THAT(ErrorOf(R"({"schema": "quorate.loadgen.result/2"})"),
              HasSubstr("has the schema quorate.loadgen.result/2"));
  EXPECT_THAT(ErrorOf(R"({"schema": 5})"), HasSubstr("has the schema 5"));
  const absl::StatusOr<ResultDocument> absent = ReadResultFile("/nowhere/a.json");
  EXPECT_EQ(absent.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(absent.status().message()), HasSubstr("/nowhere/a.json"));
  EXPECT_FALSE(ReadResultFile(::testing::TempDir()).ok());
}

TEST(ResultReaderTest, RefusesAFileThatWasCutOffAnywhere) {
  ExampleRun run;
  run.seconds = 2;
  run.per_second = 20;
  const std::string text = ResultOf(DrawOperations(1, run), run).dump();
  for (size_t length = 1; length < text.size(); length += text.size() - length < 100 ? 1 : 13) {
    EXPECT_THAT(ErrorOf(absl::string_view(text).substr(0, length)), HasSubstr("cut off")) << length;
  }
  EXPECT_EQ(ErrorOf(text), "");
}

TEST(ResultReaderTest, RefusesSectionsOfTheWrongKind) {
  ExampleRun run;
  run.seconds = 2;
  run.per_second = 20;
  const Json whole = ResultOf(DrawOperations(1, run), run);
  for (const char* name : {"run", "totals", "send_lag", "staleness", "operations", "series"}) {
    Json damaged = whole;
    damaged[name] = "text";
    EXPECT_THAT(ErrorOf(damaged.dump()), HasSubstr(name));
    damaged.erase(name);
    EXPECT_THAT(ErrorOf(damaged.dump()), HasSubstr(name));
  }
  Json damaged = whole;
  damaged["read_latencies"] = 5;
  EXPECT_THAT(ErrorOf(damaged.dump()), HasSubstr("'read_latencies' is no list"));
}

// Replaces each value of the file, one by one, by something of another kind. Whatever is said of
// it, nothing may throw or crash.
void ReplaceEach(Json* node, const Json& root, const Json& replacement, int* tried) {
  if (node->is_structured()) {
    for (auto& child : *node) ReplaceEach(&child, root, replacement, tried);
  }
  const Json kept = *node;
  *node = replacement;
  const absl::StatusOr<ResultDocument> document = ParseResult(root.dump(), "a.json");
  if (document.ok()) (void)Summarize(*document);
  *node = kept;
  ++*tried;
}

TEST(ResultReaderTest, SurvivesAnyValueOfAnotherKind) {
  ExampleRun run;
  run.seconds = 1;
  run.per_second = 2;
  Json root = ResultOf(DrawOperations(1, run), run);
  int tried = 0;
  for (const Json& replacement :
       {Json(nullptr), Json(-1), Json("x"), Json::array({1}), Json::object()}) {
    ReplaceEach(&root, root, replacement, &tried);
  }
  EXPECT_GT(tried, 1000);
}

}  // namespace
}  // namespace quorate::loadgen
