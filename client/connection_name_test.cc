#include "client/connection_name.h"

#include <set>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace quorate {
namespace {

TEST(ConnectionNameTest, NamesDiffer) {
  std::set<std::string> names;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = NewConnectionName();
    EXPECT_EQ(name.size(), 8u);
    EXPECT_TRUE(names.insert(name).second);
  }
}

TEST(ConnectionNameTest, NamesOfForkedProcessesDiffer) {
  NewConnectionName();  // whatever is seeded once is seeded now
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::string name = NewConnectionName();
    const ssize_t written = write(ends[1], name.data(), name.size());
    _exit(written == static_cast<ssize_t>(name.size()) ? 0 : 1);
  }
  close(ends[1]);  // so that the end of the child ends the read below, too
  const std::string own = NewConnectionName();
  std::string of_child(own.size(), '\0');
  EXPECT_EQ(read(ends[0], of_child.data(), of_child.size()), static_cast<ssize_t>(own.size()));
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(own, of_child);
  close(ends[0]);
}

}  // namespace
}  // namespace quorate
