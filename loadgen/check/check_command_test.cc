#include "loadgen/check/check_command.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "loadgen/check/history.h"
#include "loadgen/check/history_file.h"
#include "loadgen/check/test_history.h"

namespace quorate::check {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class CheckCommandTest : public testing::Test {
 protected:
  int Run(const std::vector<std::string>& arguments) {
    output_.clear();
    errors_.clear();
    return CheckCommand(arguments, &output_, &errors_);
  }

  std::string Save(const History& history, const std::string& name) {
    std::string path = testing::TempDir() + "/" + name;
    EXPECT_TRUE(WriteHistoryFile(history, path).ok());
    return path;
  }

  std::string Good() {
    TestHistory history;
    history.history().description = "leader, W=3 R=3";
    history.Write(11, 1, 0, 1'000'000);
    history.Read(11, 1, 2'000'000, 3'000'000);
    return Save(history.history(), "good.history");
  }

  std::string Stale() {
    TestHistory history;
    history.history().keys = {"apple"};
    history.history().nodes = {"n1", "n2"};
    history.history().cut_at = 20'000'000;
    history.Write(11, 1, 0, 1'000'000).node = 0;
    history.Write(12, 2, 2'000'000, 4'000'000).node = 0;
    history.Read(11, 1, 7'000'000, 8'000'000).node = 1;
    return Save(history.history(), "stale.history");
  }

  std::string Export(const std::string& name) {
    std::string path = testing::TempDir() + "/" + name;
    std::remove(path.c_str());
    return path;
  }

  std::string output_;
  std::string errors_;
};

TEST_F(CheckCommandTest, AGoodHistoryHolds) {
  EXPECT_EQ(Run({Good()}), kCheckHolds);
  EXPECT_THAT(output_, HasSubstr("linearizable: holds"));
  EXPECT_THAT(output_, HasSubstr("leader, W=3 R=3"));
  EXPECT_THAT(output_, HasSubstr("2 operations on 1 keys by 1 sessions: 1 reads, 1 writes"));
  EXPECT_THAT(output_, HasSubstr("stale reads: 0 of 1 (0.0000 %)"));
  EXPECT_THAT(output_, Not(HasSubstr("sessions: holds")));
  EXPECT_THAT(errors_, IsEmpty());
}

TEST_F(CheckCommandTest, WhatOthersWroteIsCountedApart) {
  TestHistory history;
  history.Write(10, 1, kBeforeAll, kBeforeAll).session = kNoSession;
  history.Read(10, 1, 0, 10);
  const std::string path = Save(history.history(), "others.history");
  EXPECT_EQ(Run({path}), kCheckHolds);
  EXPECT_THAT(output_, HasSubstr("by 1 sessions: 1 reads, 1 writes"));
  EXPECT_THAT(output_, HasSubstr("others made 1 of the writes"));
  EXPECT_EQ(Run({path, "--json"}), kCheckHolds);
  EXPECT_EQ(nlohmann::json::parse(output_).at("operations").at("others"), 1);
}

TEST_F(CheckCommandTest, AStaleReadIsShownWithItsWrites) {
  EXPECT_EQ(Run({Stale(), "--model=all"}), kCheckViolated);
  EXPECT_THAT(output_, HasSubstr("linearizable: violated"));
  EXPECT_THAT(output_, HasSubstr("1 conflicts on 1 of 1 keys: stale read 1"));
  EXPECT_THAT(output_, HasSubstr("crossed values 1"));
  EXPECT_THAT(output_, HasSubstr("regular: violated"));
  EXPECT_THAT(output_, HasSubstr("sessions: violated"));
  EXPECT_THAT(output_, HasSubstr("stale reads: 1 of 1 (100.0000 %)"));
  EXPECT_THAT(output_, HasSubstr("acknowledged writes missed: 1: 1"));
  EXPECT_THAT(output_, HasSubstr("median 3.000 ms"));
  EXPECT_THAT(output_, HasSubstr("recording was full after 0.020 s"));
  EXPECT_THAT(output_, HasSubstr("stale read on apple"));
  EXPECT_THAT(output_, HasSubstr("read  value 11, version 1"));
  EXPECT_EQ(Run({"--examples", "0", Stale()}), kCheckViolated);
  EXPECT_THAT(output_, Not(HasSubstr("stale read on apple")));
}

TEST_F(CheckCommandTest, JsonSaysTheSame) {
  EXPECT_EQ(Run({"-json", "-model", "all", Stale()}), kCheckViolated);
  const nlohmann::json json = nlohmann::json::parse(output_);
  EXPECT_EQ(json.at("schema"), "quorate.loadgen.check/1");
  EXPECT_EQ(json.at("verdict"), "violated");
  EXPECT_DOUBLE_EQ(json.at("cut_at").get<double>(), 0.02);
  EXPECT_EQ(json.at("operations").at("reads"), 1);
  ASSERT_EQ(json.at("answers").size(), 3u);
  const nlohmann::json& sweep = json.at("answers").at(0).at("results").at(0);
  EXPECT_EQ(sweep.at("verdict"), "violated");
  EXPECT_EQ(sweep.at("conflicts").at("stale read"), 1);
  EXPECT_DOUBLE_EQ(sweep.at("severity").at("largest").get<double>(), 0.003);
  EXPECT_EQ(json.at("staleness").at("stale"), 1);
  EXPECT_EQ(json.at("staleness").at("missed").dump(), "[[1,1]]");
  const nlohmann::json& example = json.at("examples").at(0);
  EXPECT_EQ(example.at("key"), "apple");
  EXPECT_EQ(example.at("operations").size(), 3u);
  EXPECT_EQ(example.at("operations").at(2).at("node"), "n2");
}

TEST_F(CheckCommandTest, WhatCannotBeJudgedIsNoSuccess) {
  TestHistory history;
  history.Delete(0, 0, 10);
  history.ReadNothing(0, 20, 30).order_known = 0;
  EXPECT_EQ(Run({Save(history.history(), "unknown.history")}), kCheckUnknown);
  EXPECT_THAT(output_, HasSubstr("linearizable: unknown"));
  EXPECT_THAT(output_, HasSubstr("not judged on 1 keys"));
  EXPECT_EQ(Run({Save(History(), "empty.history")}), kCheckUnknown);
  EXPECT_THAT(output_, HasSubstr("nothing to judge"));
}

TEST_F(CheckCommandTest, ExportsWhatItChecked) {
  const std::string edn = Export("good.edn");
  EXPECT_EQ(Run({Good(), "--export", edn}), kCheckHolds);
  std::FILE* const file = std::fopen(edn.c_str(), "r");
  ASSERT_NE(file, nullptr);
  char line[256] = {};
  EXPECT_NE(std::fgets(line, sizeof(line), file), nullptr);
  std::fclose(file);
  EXPECT_TRUE(absl::StartsWith(line, "{:index 0, :time 0, :process 0, :type :invoke"));

  EXPECT_EQ(Run({Good(), "--export", testing::TempDir() + "/no_such_folder/x.edn"}),
            kCheckUnreadable);
  EXPECT_THAT(errors_, HasSubstr("no_such_folder"));
}

TEST_F(CheckCommandTest, UnreadableFilesAreNamed) {
  EXPECT_EQ(Run({testing::TempDir() + "/no_such.history"}), kCheckUnreadable);
  EXPECT_THAT(errors_, HasSubstr("no_such.history"));
  EXPECT_THAT(output_, IsEmpty());
  EXPECT_EQ(Run({testing::TempDir()}), kCheckUnreadable);
}

TEST_F(CheckCommandTest, WrongUsageSaysWhatIsWrong) {
  const std::string good = Good();
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "which file?"},
      {{good, good}, "one file at a time"},
      {{good, "--modell=all"}, "'--modell=all' is no flag"},
      {{good, "--model=strict"}, "model 'strict' is none of"},
      {{good, "--model"}, "--model needs a value"},
      {{good, "--export=x.txt"}, "neither in .edn nor in .jsonl"},
      {{good, "--examples=6"}, "no number from 0 to 5"},
      {{good, "--examples=-1"}, "no number from 0 to 5"},
      {{good, "--examples=nan"}, "no number from 0 to 5"},
      {{good, "--json=yes"}, "no value is expected"},
      {{good, "--"}, "is no flag"},
  };
  for (const auto& [arguments, message] : cases) {
    EXPECT_EQ(Run(arguments), kCheckUsage) << message;
    EXPECT_THAT(errors_, HasSubstr(message));
    EXPECT_THAT(output_, IsEmpty());
  }
}

TEST_F(CheckCommandTest, HelpNamesEveryFlag) {
  EXPECT_EQ(Run({"--help"}), kCheckHolds);
  for (const char* flag : {"--model", "--export", "--examples", "--json"}) {
    EXPECT_THAT(output_, HasSubstr(flag));
  }
}

}  // namespace
}  // namespace quorate::check
