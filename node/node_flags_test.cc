#include "node/node_flags.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "gflags/gflags.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

using ::testing::HasSubstr;

// A command line; argv[0] is added.
absl::StatusOr<CommandLine> Parse(std::vector<std::string> words) {
  words.insert(words.begin(), "quorate_node");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return ParseCommandLine(static_cast<int>(words.size()), argv.data());
}

class NodeFlagsTest : public ::testing::Test {
 protected:
  // What a test says in the environment is gone after it.
  void Say(const char* variable, const char* value) {
    setenv(variable, value, /*overwrite=*/1);
    said_.push_back(variable);
  }
  ~NodeFlagsTest() override {
    for (const char* variable : said_) unsetenv(variable);
  }

 private:
  google::FlagSaver saver_;
  std::vector<const char*> said_;
};

TEST_F(NodeFlagsTest, FlagWinsOverTheEnvironment) {
  Say("W", "2");
  Say("PORT", "8081");
  Say("R", "");
  ASSERT_TRUE(Parse({"--w=3", "-node-type=leader"}).ok());
  const Settings settings = ReadSettings();
  EXPECT_EQ(settings.at("w").value, "3");
  EXPECT_EQ(settings.at("w").source, "--w");
  EXPECT_EQ(settings.at("port").value, "8081");
  EXPECT_EQ(settings.at("port").source, "PORT");
  EXPECT_EQ(settings.at("node_type").value, "leader");
  EXPECT_EQ(settings.count("r"), 0u);
  EXPECT_EQ(settings.count("forward_writes"), 0u);
}

TEST_F(NodeFlagsTest, BooleanFlag) {
  ASSERT_TRUE(Parse({"--noforward_writes"}).ok());
  EXPECT_EQ(ReadSettings().at("forward_writes").value, "false");
}

TEST_F(NodeFlagsTest, LeftoverWordsAreRefused) {
  const absl::StatusOr<CommandLine> command = Parse({"--forward_writes", "false"});
  ASSERT_FALSE(command.ok());
  EXPECT_THAT(std::string(command.status().message()), HasSubstr("'false' is no flag"));
}

TEST_F(NodeFlagsTest, UnknownFlagEndsTheProcess) {
  EXPECT_EXIT(static_cast<void>(Parse({"--no_such_flag=1"})), ::testing::ExitedWithCode(2),
              "no_such_flag");
}

TEST_F(NodeFlagsTest, WrongValueEndsTheProcess) {
  EXPECT_EXIT(static_cast<void>(Parse({"--forward_writes=perhaps"})), ::testing::ExitedWithCode(2),
              "forward_writes");
}

TEST_F(NodeFlagsTest, HelpAndVersion) {
  EXPECT_EQ(*Parse({"--version"}), CommandLine::kVersion);
  EXPECT_EQ(*Parse({"--help"}), CommandLine::kHelp);
  const std::string help = HelpText();
  EXPECT_THAT(help, HasSubstr("--follower_urls (FOLLOWER_URLS)"));
  EXPECT_THAT(help, HasSubstr("--shutdown_timeout"));
}

}  // namespace
}  // namespace quorate
