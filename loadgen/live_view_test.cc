#include "loadgen/live_view.h"

#include <chrono>
#include <cstdio>
#include <string>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

// What a view wrote to `file`, from its beginning.
std::string Written(std::FILE* file) {
  std::rewind(file);
  std::string text(1 << 16, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

TEST(LiveViewTest, PlainLinesWhereThereIsNoTerminal) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  {
    LiveView view(file);
    view.Show("last");
  }
  EXPECT_EQ(Written(file), "last\n");
  std::fclose(file);
}

TEST(LiveViewTest, TheLastLineIsAlwaysShown) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  {
    LiveView view(file, /*terminal=*/false);
    for (int i = 0; i <= 1000; ++i) view.Show(std::to_string(i));
  }
  EXPECT_THAT(Written(file), EndsWith("1000\n"));
  std::fclose(file);
}

TEST(LiveViewTest, TerminalLineEndsOnce) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  {
    LiveView view(file, /*terminal=*/true);
    view.Show("the line");
  }
  EXPECT_EQ(Written(file), "\rthe line\n");
  std::fclose(file);
}

TEST(LiveViewTest, NothingShownNothingWritten) {
  std::FILE* file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  { LiveView view(file, /*terminal=*/true); }
  EXPECT_EQ(Written(file), "");
  std::fclose(file);
}

TEST(LiveViewTest, AFullPipeKeepsNobodyWaiting) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  std::FILE* out = ::fdopen(ends[1], "w");
  ASSERT_NE(out, nullptr);
  {
    LiveView view(out, /*terminal=*/false);
    // Far more than a pipe holds; would block for ever if the caller wrote it.
    for (int i = 0; i < 200; ++i) view.Show(std::string(100000, 'x'));
    view.Show("end");
    // The view's end waits for its last line, so let it through.
    std::string read;
    std::string chunk(1 << 16, '\0');
    while (read.find("end\n") == std::string::npos) {
      const ssize_t got = ::read(ends[0], chunk.data(), chunk.size());
      ASSERT_GT(got, 0);
      read.append(chunk.data(), static_cast<size_t>(got));
    }
    EXPECT_THAT(read, HasSubstr("end"));
  }
  std::fclose(out);
  ::close(ends[0]);
}

}  // namespace
}  // namespace quorate::loadgen
