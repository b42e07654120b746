#include "tests/nemesis/child_process.h"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace quorate::nemesis {
namespace {

std::unique_ptr<ChildProcess> Shell(const std::string& script, const std::string& log) {
  absl::StatusOr<std::unique_ptr<ChildProcess>> child =
      ChildProcess::Start(Command{{"/bin/sh", "-c", script}, {"WORD=said"}, log});
  EXPECT_TRUE(child.ok()) << child.status();
  return *std::move(child);
}

std::string LogPath() { return absl::StrCat(testing::TempDir(), "/child-", getpid(), ".log"); }

void AwaitEnd(ChildProcess* child) {
  while (!child->Ended()) usleep(1000);
}

TEST(ChildProcessTest, PrintsIntoItsLogAndTellsHowItEnded) {
  const std::string log = LogPath();
  const auto child = Shell("echo $WORD; exit 3", log);
  AwaitEnd(child.get());
  EXPECT_FALSE(child->EndedWell());
  EXPECT_EQ(child->HowItEnded(), "exit status 3");
  std::string line;
  std::getline(std::ifstream(log), line);
  EXPECT_EQ(line, "said");
}

TEST(ChildProcessTest, EndsWhenItIsAskedTo) {
  const std::string log = LogPath() + ".ready";
  const auto child = Shell("trap 'exit 0' TERM; echo ready; while true; do sleep 0.01; done", log);
  std::string line;
  while (line != "ready") std::getline(std::ifstream(log), line);
  child->Signal(SIGTERM);
  AwaitEnd(child.get());
  EXPECT_TRUE(child->EndedWell()) << child->HowItEnded();
}

// As a signal that comes before a program has made itself ready for it.
TEST(ChildProcessTest, AProgramThatAwaitsTheSignalIsNotEndedByIt) {
  for (const bool awaits : {true, false}) {
    absl::StatusOr<std::unique_ptr<ChildProcess>> child = ChildProcess::Start(
        Command{{"/bin/sh", "-c", "kill -TERM $$; exit 3"}, {}, LogPath(), awaits});
    ASSERT_TRUE(child.ok()) << child.status();
    AwaitEnd(child->get());
    EXPECT_EQ((*child)->HowItEnded(), awaits ? "exit status 3" : "killed by signal 15");
  }
}

TEST(ChildProcessTest, IsKilledEvenWhereItStandsStill) {
  const auto child = Shell("exec sleep 1000", "/dev/null");
  child->Signal(SIGSTOP);
  EXPECT_FALSE(child->Ended());
  child->Kill();
  EXPECT_TRUE(child->Ended());
  EXPECT_EQ(child->HowItEnded(), "killed by signal 9");
}

TEST(ChildProcessTest, CannotBeRun) {
  const auto child = *ChildProcess::Start(Command{{"/no/such/program"}, {}, "/dev/null"});
  AwaitEnd(child.get());
  EXPECT_EQ(child->HowItEnded(), "exit status 127");
}

// A parent that dies at once leaves no child behind.
TEST(ChildProcessTest, DiesWithItsParent) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    // The child holds the writing end open for as long as it lives.
    static const auto& child = *new auto(Shell("exec sleep 1000", "/dev/null"));
    (void)child;
    raise(SIGKILL);
  }
  close(ends[1]);
  ASSERT_EQ(waitpid(parent, nullptr, 0), parent);
  char byte;
  EXPECT_EQ(read(ends[0], &byte, 1), 0);  // the end: nobody has it open any more
  close(ends[0]);
}

}  // namespace
}  // namespace quorate::nemesis
