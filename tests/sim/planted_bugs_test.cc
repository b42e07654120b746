// Replicas whose rules are broken on purpose: the checks must notice within a few runs.
#include <cstdint>
#include <optional>

#include "gtest/gtest.h"

#include "tests/sim/planted_catalogue.h"

namespace quorate::sim {
namespace {

// Most are caught within ten; the rarest needs a store of more than a page, and 132.
constexpr uint64_t kSeedsMax = 200;
constexpr uint64_t kSeedsWithoutBug = 30;

class PlantedBugs : public testing::TestWithParam<PlantedRule> {};

TEST_P(PlantedBugs, AreCaught) {
  EXPECT_TRUE(Hunt(GetParam().bug, kSeedsMax).has_value())
      << GetParam().name << ": " << GetParam().what << "; not caught within " << kSeedsMax
      << " seeds";
}

INSTANTIATE_TEST_SUITE_P(All, PlantedBugs, testing::ValuesIn(PlantedRules()),
                         [](const auto& info) { return info.param.name; });

// What is caught above is the planted bug: without it the same replicas pass.
TEST(PlantedBugs, NothingIsCaughtWithoutThem) {
  EXPECT_FALSE(Hunt(Bug::kNone, kSeedsWithoutBug).has_value());
}

}  // namespace
}  // namespace quorate::sim
