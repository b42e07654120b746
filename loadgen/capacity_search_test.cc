#include "loadgen/capacity_search.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

CapacityVerdict Passed() {
  CapacityVerdict verdict;
  verdict.passed = true;
  return verdict;
}

CapacityVerdict Failed(const std::string& reason) {
  CapacityVerdict verdict;
  verdict.reasons = {reason};
  return verdict;
}

// Runs the search against `passes`; returns the steps it took.
std::vector<CapacityStep> RunSearch(CapacitySearch* search,
                                    const std::function<bool(const CapacityStep&)>& passes) {
  std::vector<CapacityStep> steps;
  while (const std::optional<CapacityStep> step = search->Next()) {
    steps.push_back(*step);
    search->Report(passes(*step) ? Passed() : Failed("too slow"));
    if (steps.size() > 1000) break;
  }
  return steps;
}

std::function<bool(const CapacityStep&)> Capacity(double rate) {
  return [rate](const CapacityStep& step) { return step.rate <= rate; };
}

TEST(CapacitySearchTest, FindsTheCapacityToFivePercent) {
  for (const double capacity : {1.0, 7.0, 99.0, 100.0, 101.0, 2345.0, 400'000.0, 999'999.0}) {
    CapacitySearch search{CapacityOptions()};
    const std::vector<CapacityStep> steps = RunSearch(&search, Capacity(capacity));
    const CapacityResult& result = search.result();
    ASSERT_TRUE(result.confirmed_rate.has_value()) << capacity;
    ASSERT_TRUE(result.failing_rate.has_value()) << capacity;
    EXPECT_LE(*result.confirmed_rate, capacity);
    EXPECT_GT(*result.failing_rate, capacity);
    EXPECT_LE(*result.failing_rate, *result.confirmed_rate * 1.05 + 1e-9);
    EXPECT_FALSE(result.out_of_steps);
    EXPECT_EQ(result.steps, static_cast<int>(steps.size()));
    EXPECT_EQ(steps.back().phase, CapacityPhase::kConfirm);
    EXPECT_EQ(steps.back().windows, 3);
    EXPECT_EQ(steps.back().rate, *result.confirmed_rate);
  }
}

TEST(CapacitySearchTest, GrowsByHalfThenHalvesTheSpan) {
  CapacitySearch search{CapacityOptions()};
  const std::vector<CapacityStep> steps = RunSearch(&search, Capacity(160));
  std::vector<double> rates;
  for (const CapacityStep& step : steps) rates.push_back(step.rate);
  // 225 and 187.5 fail twice each, and so does what lies between 159.375 and 168.75.
  EXPECT_THAT(rates, ElementsAre(100, 150, 225, 225, 187.5, 187.5, 168.75, 168.75, 159.375,
                                 164.0625, 164.0625, 159.375));
  EXPECT_FALSE(steps[2].again);
  EXPECT_TRUE(steps[3].again);
}

TEST(CapacitySearchTest, OneBadWindowEndsNothing) {
  CapacitySearch search{CapacityOptions()};
  int windows = 0;
  RunSearch(&search, [&windows](const CapacityStep& step) {
    // Every fourth window is bad, whatever the rate.
    return ++windows % 4 != 0 && step.rate <= 5000;
  });
  ASSERT_TRUE(search.result().confirmed_rate.has_value());
  EXPECT_GT(*search.result().confirmed_rate, 5000 / 1.06);
}

TEST(CapacitySearchTest, ARateThatFailsItsConfirmationIsNotReported) {
  CapacitySearch search{CapacityOptions()};
  // In the long run the system bears less than in a single window.
  RunSearch(&search,
            [](const CapacityStep& step) { return step.rate <= (step.windows == 1 ? 1000 : 700); });
  ASSERT_TRUE(search.result().confirmed_rate.has_value());
  EXPECT_LE(*search.result().confirmed_rate, 700);
  EXPECT_GT(*search.result().confirmed_rate, 700 / 1.06);
  EXPECT_GT(*search.result().failing_rate, 700);
}

TEST(CapacitySearchTest, ASystemThatMeetsNoGoalIsGivenUp) {
  CapacitySearch search{CapacityOptions()};
  const std::vector<CapacityStep> steps =
      RunSearch(&search, [](const CapacityStep&) { return false; });
  EXPECT_FALSE(search.result().confirmed_rate.has_value());
  EXPECT_EQ(search.result().failing_rate, 1);
  EXPECT_FALSE(search.result().out_of_steps);
  EXPECT_THAT(search.result().ToString(), HasSubstr("no rate was confirmed; 1 failed: too slow"));
  EXPECT_LT(steps.size(), 30u);
}

TEST(CapacitySearchTest, StopsAtTheGreatestRate) {
  CapacityOptions options;
  options.greatest_rate = 1000;
  CapacitySearch search(options);
  const std::vector<CapacityStep> steps =
      RunSearch(&search, [](const CapacityStep&) { return true; });
  EXPECT_EQ(search.result().confirmed_rate, 1000);
  EXPECT_FALSE(search.result().failing_rate.has_value());
  EXPECT_THAT(search.result().ToString(),
              HasSubstr("1000 operations a second, confirmed; no higher rate was tried"));
  for (const CapacityStep& step : steps) EXPECT_LE(step.rate, 1000);
}

TEST(CapacitySearchTest, EndsWithinItsStepsWhateverHappens) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    std::mt19937_64 random(seed);
    CapacitySearch search{CapacityOptions()};
    const std::vector<CapacityStep> steps =
        RunSearch(&search, [&random](const CapacityStep&) { return random() % 2 == 0; });
    ASSERT_LE(steps.size(), 60u);
    ASSERT_FALSE(search.Next().has_value());
    const CapacityResult& result = search.result();
    if (result.confirmed_rate.has_value() && result.failing_rate.has_value()) {
      ASSERT_LT(*result.confirmed_rate, *result.failing_rate);
    }
    ASSERT_TRUE(result.confirmed_rate.has_value() || result.out_of_steps ||
                result.failing_rate == 1);
  }
}

// The p99 of a queue grows without bound towards its capacity, and each window sees it with noise.
TEST(CapacitySearchTest, FindsTheKneeOfANoisyQueue) {
  constexpr double kCapacity = 10'000;
  CapacityGoals goals;
  goals.p99 = 5'000'000;
  // 0.5 ms / (1 - load) is 5 ms at nine tenths of the capacity.
  const double knee = 0.9 * kCapacity;
  double sum = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    std::mt19937_64 random(seed);
    CapacitySearch search{CapacityOptions()};
    while (const std::optional<CapacityStep> step = search.Next()) {
      CapacityMeasurement measured;
      measured.operations = static_cast<uint64_t>(step->rate * step->windows);
      measured.ended_ok = measured.operations;
      const double load = std::min(step->rate / kCapacity, 0.999);
      const double noise = 0.9 + 0.2 * static_cast<double>(random() % 1000) / 1000;
      measured.p99 = static_cast<Nanos>(500'000 / (1 - load) * noise);
      search.Report(Judge(goals, measured));
    }
    ASSERT_TRUE(search.result().confirmed_rate.has_value()) << "seed " << seed;
    EXPECT_NEAR(*search.result().confirmed_rate, knee, 0.08 * knee) << "seed " << seed;
    sum += *search.result().confirmed_rate;
  }
  EXPECT_NEAR(sum / 100, knee, 0.05 * knee);
}

TEST(CapacitySearchTest, OptionsThatMakeNoSenseDoNotHang) {
  CapacityOptions options;
  options.first_rate = std::numeric_limits<double>::quiet_NaN();
  options.least_rate = -1;
  options.greatest_rate = -5;
  options.growth = 0;
  options.precision = 0;
  options.steps = -1;
  options.confirmation_windows = 0;
  CapacitySearch search(options);
  EXPECT_LE(RunSearch(&search, Capacity(1e9)).size(), 1u);
}

TEST(CapacityJudgeTest, NamesEveryGoalThatWasMissed) {
  CapacityGoals goals;
  goals.p99 = 5'000'000;
  goals.stale_share = 0.001;
  goals.errors_share = 0.01;
  CapacityMeasurement measured;
  measured.operations = 1000;
  measured.ended_ok = 1000;
  measured.reads = 500;
  measured.p99 = 5'000'000;
  EXPECT_TRUE(Judge(goals, measured).passed);

  measured.p99 = 6'000'000;
  measured.stale = 1;
  measured.ended_ok = 900;
  measured.errors = 20;
  measured.generator_healthy = false;
  const CapacityVerdict verdict = Judge(goals, measured);
  EXPECT_FALSE(verdict.passed);
  EXPECT_TRUE(verdict.generator_failed);
  EXPECT_THAT(
      verdict.reasons,
      ElementsAre("p99 was 6 ms, not 5 ms", "0.2 % of reads were stale, not 0.1 %",
                  "p99 is not known: 2 % of operations failed", "2 % of operations failed, not 1 %",
                  "only 92 % of the offered operations were done",
                  "the load generator could not keep up"));
  EXPECT_FALSE(Judge(goals, CapacityMeasurement()).passed);  // nothing was measured
}

// Latencies are those of what was answered: where much is refused, they say little.
TEST(CapacityJudgeTest, FailuresAreSlowerThanAnyP99) {
  CapacityGoals goals;
  goals.p99 = 5'000'000;
  CapacityMeasurement measured;
  measured.operations = 1000;
  measured.ended_ok = 990;
  measured.errors = 10;
  measured.p99 = 1'000'000;
  EXPECT_TRUE(Judge(goals, measured).passed);
  measured.ended_ok = 600;
  measured.errors = 400;
  EXPECT_THAT(Judge(goals, measured).reasons,
              ElementsAre("p99 is not known: 40 % of operations failed"));
}

// A percentile that few operations lie above, and a share of no reads, are no reason to go higher.
TEST(CapacityJudgeTest, WhatCannotBeToldIsMissed) {
  CapacityGoals goals;
  goals.p99 = 5'000'000;
  goals.stale_share = 0.001;
  CapacityMeasurement measured;
  measured.operations = 50;
  measured.ended_ok = 50;
  EXPECT_THAT(Judge(goals, measured).reasons,
              ElementsAre("no read was judged, so nothing is known of stale ones",
                          "p99 is not known: too few operations were answered"));
  measured.ended_ok = 25;
  measured.errors = 25;
  measured.reads = 10;
  EXPECT_THAT(Judge(goals, measured).reasons,
              ElementsAre("p99 is not known: 50 % of operations failed"));
}

TEST(CapacityGoalsTest, RatesAtWhichALookTellsNothingAreNotTried) {
  CapacityGoals goals;
  goals.errors_share = 0.01;
  EXPECT_EQ(LeastTellingRate(goals, 5), 1);
  goals.p99 = 5'000'000;
  EXPECT_EQ(LeastTellingRate(goals, 5), 210);
  EXPECT_EQ(LeastTellingRate(goals, 60), 18);
  EXPECT_EQ(LeastTellingRate(goals, 86400), 1);
  CapacityOptions options;
  options.first_rate = 10;
  options.least_rate = LeastTellingRate(goals, 5);
  CapacitySearch search(options);
  for (const CapacityStep& step : RunSearch(&search, Capacity(20))) EXPECT_EQ(step.rate, 210);
  EXPECT_FALSE(search.result().confirmed_rate.has_value());
}

TEST(CapacityGoalsTest, StaleReadsNeedReads) {
  CapacityGoals goals;
  goals.p99 = 5'000'000;
  EXPECT_TRUE(CheckGoalsCanBeJudged(goals, 1).ok());
  goals.stale_share = 0.001;
  EXPECT_TRUE(CheckGoalsCanBeJudged(goals, 0.99).ok());
  EXPECT_THAT(std::string(CheckGoalsCanBeJudged(goals, 1).message()),
              HasSubstr("-stale is a goal of reads"));
}

TEST(CapacityGoalsTest, AreReadFromTheCommandLine) {
  std::vector<std::string> rest;
  const absl::StatusOr<CapacityGoals> goals = ParseCapacityGoals(
      {"-p99", "5ms", "-targets", "a:1", "--stale=0.1%", "-errors=0.02", "-w", "2"}, &rest);
  ASSERT_TRUE(goals.ok()) << goals.status();
  EXPECT_EQ(goals->p99, 5'000'000);
  EXPECT_DOUBLE_EQ(*goals->stale_share, 0.001);
  EXPECT_DOUBLE_EQ(*goals->errors_share, 0.02);
  EXPECT_THAT(rest, ElementsAre("-targets", "a:1", "-w", "2"));
  EXPECT_EQ(goals->ToString(), "p99 <= 5 ms, stale <= 0.1 %, errors <= 2 %");
}

TEST(CapacityGoalsTest, SayWhatIsWrong) {
  const auto error = [](const std::vector<std::string>& arguments) {
    std::vector<std::string> rest;
    return std::string(ParseCapacityGoals(arguments, &rest).status().message());
  };
  EXPECT_THAT(error({"-p99"}), HasSubstr("-p99 lacks its value"));
  EXPECT_THAT(error({"-p99", "5"}), HasSubstr("-p99: '5' is no duration"));
  EXPECT_THAT(error({"-p99", "-5ms"}), HasSubstr("no duration"));
  EXPECT_THAT(error({"-p99", "0"}), HasSubstr("no duration"));
  EXPECT_THAT(error({"-p99", "inf"}), HasSubstr("no duration"));
  EXPECT_THAT(error({"-p99", "2h"}), HasSubstr("no duration"));
  EXPECT_THAT(error({"-stale", "nan"}), HasSubstr("-stale: 'nan' is no share"));
  EXPECT_THAT(error({"-stale", "150%"}), HasSubstr("no share"));
  EXPECT_THAT(error({"-stale="}), HasSubstr("no share"));
  EXPECT_THAT(error({"-stale", "1%", "--stale", "2%"}), HasSubstr("given twice"));
  EXPECT_THAT(error({"-targets", "a:1"}), HasSubstr("there is no goal"));
  EXPECT_THAT(error({"-p99", "1us"}), IsEmpty());
}

}  // namespace
}  // namespace quorate::loadgen
