#include "loadgen/options.h"

#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

using ::testing::HasSubstr;

Options Valid() {
  Options options;
  options.targets = {{"127.0.0.1", 8080}};
  return options;
}

TEST(OptionsTest, DefaultsAreValid) { EXPECT_TRUE(Validate(Valid()).ok()); }

TEST(OptionsTest, EachWrongSettingIsNamed) {
  const auto error = [](void (*change)(Options*)) {
    Options options = Valid();
    change(&options);
    return std::string(Validate(options).message());
  };
  EXPECT_THAT(error([](Options* o) { o->targets.clear(); }), HasSubstr("--targets"));
  for (const double ratio : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity()}) {
    Options options = Valid();
    options.write_ratio = ratio;
    EXPECT_THAT(std::string(Validate(options).message()), HasSubstr("--write_ratio")) << ratio;
  }
  EXPECT_THAT(error([](Options* o) { o->duration_seconds = 0; }), HasSubstr("--duration"));
  EXPECT_THAT(error([](Options* o) { o->warmup_seconds = -1; }), HasSubstr("--warmup"));
  EXPECT_THAT(error([](Options* o) { o->qps = -5; }), HasSubstr("--qps"));
  EXPECT_THAT(error([](Options* o) { o->num_keys = 0; }), HasSubstr("--num_keys"));
  EXPECT_THAT(error([](Options* o) { o->value_bytes = 0; }), HasSubstr("--value_size"));
  EXPECT_THAT(error([](Options* o) { o->w = 0; }), HasSubstr("--w "));
  EXPECT_THAT(error([](Options* o) { o->r = -1; }), HasSubstr("--r "));
  EXPECT_THAT(error([](Options* o) { o->connections = 0; }), HasSubstr("--connections"));
  EXPECT_THAT(error([](Options* o) { o->max_waiting = -1; }), HasSubstr("--max_waiting"));
  EXPECT_THAT(error([](Options* o) { o->timeout_ms = 0; }), HasSubstr("--timeout_ms"));
  EXPECT_THAT(error([](Options* o) { o->closed_loop = -1; }), HasSubstr("--closed_loop"));
  EXPECT_THAT(error([](Options* o) { o->raw_samples = -1; }), HasSubstr("--raw_samples"));
  EXPECT_THAT(error([](Options* o) { o->history_operations = 0; }),
              HasSubstr("--history_operations"));
  EXPECT_THAT(error([](Options* o) {
                o->ramp_seconds = 1;
                o->closed_loop = 1;
              }),
              HasSubstr("--ramp"));
  EXPECT_THAT(error([](Options* o) {
                o->r = 1;
                o->read_target = ReadTarget::kLocal;
              }),
              HasSubstr("--read_target"));
}

TEST(OptionsTest, ChoicesAreReadAsTheyAreNamed) {
  for (const ReadTarget target : {ReadTarget::kCoordinator, ReadTarget::kAny, ReadTarget::kLocal}) {
    EXPECT_EQ(*ParseReadTarget(ToString(target)), target);
  }
  for (const TransportKind kind :
       {TransportKind::kRest, TransportKind::kUnary, TransportKind::kStream}) {
    EXPECT_EQ(*ParseTransport(ToString(kind)), kind);
  }
  for (const Spacing spacing : {Spacing::kEven, Spacing::kPoisson}) {
    EXPECT_EQ(*ParseSpacing(ToString(spacing)), spacing);
  }
  EXPECT_EQ(ToString(Mode::kLeaderless), "leaderless");
  EXPECT_THAT(std::string(ParseTransport("http").status().message()),
              HasSubstr("--transport must be one of rest, unary, stream"));
}

TEST(OptionsTest, Modes) {
  EXPECT_EQ(*ParseMode("leader"), Mode::kLeader);
  EXPECT_EQ(*ParseMode("leaderless"), Mode::kLeaderless);
  EXPECT_FALSE(ParseMode("").ok());
  EXPECT_FALSE(ParseMode("Leader").ok());
}

TEST(OptionsTest, Targets) {
  const auto targets = ParseTargets("127.0.0.1:8080, http://localhost:81/,[::1]:82");
  ASSERT_TRUE(targets.ok());
  ASSERT_EQ(targets->size(), 3u);
  EXPECT_EQ((*targets)[0].ToString(), "127.0.0.1:8080");
  EXPECT_EQ((*targets)[1].ToString(), "localhost:81");
  EXPECT_EQ((*targets)[2].host, "::1");
  EXPECT_EQ((*targets)[2].ToString(), "[::1]:82");
}

TEST(OptionsTest, WrongTargetsAreRefused) {
  for (const char* text :
       {"", ",", "host", "host:", ":80", "host:0", "host:65536", "host:8o", "https://host:80",
        "host:80/path", "::1:80", "[::1:80", "a:80,", "a:80,a:80", "http://"}) {
    EXPECT_FALSE(ParseTargets(text).ok()) << text;
  }
}

}  // namespace
}  // namespace quorate::loadgen
