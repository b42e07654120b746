#include "tests/sim/claims.h"

#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"

namespace quorate::sim {
namespace {

TEST(ClaimsTest, ThePageSaysWhatTheCodePromises) {
  std::ifstream in("doc/claims.md");
  const std::string page((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  EXPECT_EQ(page, ClaimsPage())
      << "update it: bazel run //tests/sim:claims -- --update=$PWD/doc/claims.md";
}

TEST(ClaimsTest, OverlappingQuorumsAndNoOthersAreRegular) {
  const std::string page = ClaimsPage();
  EXPECT_NE(page.find("| W=3 | eventual | eventual | regular | regular | regular | 2 of"),
            std::string::npos);
  EXPECT_NE(page.find("| W=1 | eventual | eventual | regular | none forgetting |"),
            std::string::npos);
}

}  // namespace
}  // namespace quorate::sim
