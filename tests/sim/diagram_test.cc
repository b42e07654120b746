// Diagrams of runs that have more to show than fits.
#include "tests/sim/diagram.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/sim/message_log.h"
#include "tests/sim/runner.h"
#include "tests/sim/schedule.h"

namespace quorate::sim {
namespace {

using testing::HasSubstr;

// Five nodes, and clients `first` to `last` with a write each.
std::string Drawn(int first, int last) {
  std::string text =
      "quorate schedule 1\nstrategy leaderless\nseed 1\ninner-seed 1\nn 5\nw 3\nr 3\nloss 0\n"
      "repeat 0\nkeys 1\nheal 3s\n";
  for (int client = first; client <= last; ++client) {
    absl::StrAppend(&text, "2s c", client, "/1 set key=0 node=1 bytes=8 timeout=0.5s\n");
  }
  const absl::StatusOr<Schedule> schedule = ParseSchedule(text);
  EXPECT_TRUE(schedule.ok()) << schedule.status();
  if (!schedule.ok()) return "";
  MessageLog messages;
  RunOptions options;
  options.messages = &messages;
  return Diagram(RunSchedule(*schedule, options), messages);
}

TEST(DiagramTest, HasRoomForTextBesideAnyNumberOfLanes) {
  // With 31 clients nothing of the usual width is left, and with 40 less than nothing.
  for (const int clients : {1, 26, 31, 40}) {
    const std::string diagram = Drawn(0, clients - 1);
    for (int client = 0; client < clients; ++client) {
      EXPECT_THAT(diagram, HasSubstr(absl::StrCat("c", client, "/1: set k0=")));
    }
    EXPECT_THAT(diagram, HasSubstr("healed")) << clients;
    if (clients > 1) continue;
    for (const std::string& line : std::vector<std::string>(absl::StrSplit(diagram, '\n'))) {
      EXPECT_LE(line.size(), 120u) << line;
    }
  }
}

TEST(DiagramTest, CutsNamesThatAreWiderThanTheirLane) {
  const std::string diagram = Drawn(999999990, 999999990);
  EXPECT_THAT(diagram, HasSubstr("c999999  n1"));
  EXPECT_THAT(diagram, HasSubstr("c999999990/1: set k0="));
}

}  // namespace
}  // namespace quorate::sim
