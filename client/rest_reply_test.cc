#include "client/rest_reply.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "gtest/gtest.h"

#include "client/messages.h"

namespace quorate {
namespace {

TEST(SetReplyTest, DocumentedSuccess) {
  const RestResult result =
      ParseSetReply(201, R"({"message":"Key set successfully","version":5,"acks":3})");
  EXPECT_TRUE(result.status.ok());
  EXPECT_EQ(result.version, 5u);
}

TEST(SetReplyTest, SuccessThatCannotBeUnderstoodMayHaveApplied) {
  for (const char* body :
       {"", "null", "[]", "{}", R"({"version":"5"})", R"({"version":-1})", "{"}) {
    const RestResult result = ParseSetReply(201, body);
    EXPECT_FALSE(result.status.ok()) << body;
    EXPECT_TRUE(result.may_have_applied) << body;
  }
}

TEST(SetReplyTest, ErrorSaysWhetherItMayHaveApplied) {
  const RestResult refused = ParseSetReply(
      503, R"({"code":"UNAVAILABLE","message":"2 of 5","details":[{"may_have_applied":false}]})");
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(refused.status.message(), "HTTP 503: 2 of 5");
  EXPECT_FALSE(refused.may_have_applied);
  EXPECT_TRUE(ParseSetReply(504, R"({"details":[7,{"may_have_applied":true}]})").may_have_applied);
  EXPECT_TRUE(ParseSetReply(504, R"({"may_have_applied":true})").may_have_applied);
  EXPECT_FALSE(ParseSetReply(503, R"({"may_have_applied":false})").may_have_applied);
}

TEST(SetReplyTest, ErrorThatDoesNotSayCountsAgainstTheServer) {
  EXPECT_TRUE(ParseSetReply(500, "").may_have_applied);
  EXPECT_TRUE(ParseSetReply(503, R"({"details":"none"})").may_have_applied);
  EXPECT_TRUE(ParseSetReply(302, "").may_have_applied);
  EXPECT_FALSE(ParseSetReply(400, "").may_have_applied);
  EXPECT_FALSE(ParseSetReply(429, "{}").may_have_applied);
}

TEST(ReadReplyTest, DocumentedSuccess) {
  const RestResult result = ParseReadReply(200, R"({"key":"k","value":"v","version":5})");
  EXPECT_TRUE(result.status.ok());
  EXPECT_TRUE(result.found);
  EXPECT_EQ(result.value, "v");
  EXPECT_EQ(result.version, 5u);
}

// Without a leader a write that comes after another one may have a smaller version.
TEST(ReadReplyTest, OrderIsItsOwn) {
  const std::string order = R"("order":{"major":"18446744073709551615","minor":"2","tie":"3"})";
  const Order expected{18446744073709551615u, 2, 3};
  EXPECT_EQ(ParseReadReply(200, R"({"key":"k","value":"v","version":5,)" + order + "}").order,
            expected);
  EXPECT_EQ(ParseReadReply(404, R"({"code":"NOT_FOUND","version":5,)" + order + "}").order,
            expected);
  EXPECT_EQ(ParseSetReply(201, R"({"version":5,)" + order + "}").order, expected);
  for (const char* none : {R"("order":7)", R"("order":{"major":"1","minor":"2"})",
                           R"("order":{"major":"1","minor":"-2","tie":"3"})"}) {
    const RestResult result = ParseSetReply(201, std::string(R"({"version":5,)") + none + "}");
    EXPECT_TRUE(result.status.ok());
    EXPECT_EQ(result.order, std::nullopt);
  }
}

TEST(ReadReplyTest, AbsentIsAnAnswer) {
  const RestResult never = ParseReadReply(404, R"({"code":"NOT_FOUND","version":0})");
  EXPECT_TRUE(never.status.ok());
  EXPECT_FALSE(never.found);
  EXPECT_EQ(never.version, 0u);
  EXPECT_EQ(ParseReadReply(404, R"({"code":"NOT_FOUND","version":9})").version, 9u);
}

TEST(ReadReplyTest, AnUnknownPathIsNoAnswer) {
  EXPECT_FALSE(ParseReadReply(404, "").status.ok());
  EXPECT_FALSE(ParseReadReply(404, R"({"code":"NOT_FOUND","message":"no such path"})").status.ok());
  EXPECT_FALSE(ParseReadReply(404, "<html>").status.ok());
}

TEST(ReadReplyTest, WhatCannotBeUnderstoodIsAnError) {
  for (const char* body : {"", "7", R"({"value":"v"})", R"({"version":5})",
                           R"({"value":7,"version":5})", R"({"value":"v","version":5)"}) {
    EXPECT_FALSE(ParseReadReply(200, body).status.ok()) << body;
  }
  EXPECT_EQ(ParseReadReply(503, "").status.code(), absl::StatusCode::kUnavailable);
}

TEST(HealthReplyTest, TakesWhatItKnows) {
  const RestHealth health = ParseHealthReply(
      200, R"({"status":"healthy","node_id":"1","role":"leader","strategy":"leader_follower",)"
           R"("guarantee":"no stale reads","durability":"synced","n":5,"w":3,"r":3,"more":[],)"
           R"("emulated_delays":"lan","counters":{"a":"18446744073709551615","b":2,"c":"x"}})");
  EXPECT_TRUE(health.status.ok());
  EXPECT_EQ(health.node, "1");
  EXPECT_EQ(health.role, "leader");
  EXPECT_EQ(health.strategy, "leader_follower");
  EXPECT_EQ(health.guarantee, "no stale reads");
  EXPECT_EQ(health.durability, "synced");
  EXPECT_EQ(health.emulated_delays, "lan");
  EXPECT_EQ(health.counters, (std::map<std::string, uint64_t>{{"a", ~uint64_t{0}}, {"b", 2}}));
  EXPECT_EQ(health.n, 5);
  EXPECT_EQ(health.w, 3);
  EXPECT_EQ(health.r, 3);
}

TEST(HealthReplyTest, MinimalServer) {
  const RestHealth health = ParseHealthReply(200, R"({"status":"healthy","n":99999999999})");
  EXPECT_TRUE(health.status.ok());
  EXPECT_EQ(health.strategy, "");
  EXPECT_EQ(health.n, 0);
}

TEST(HealthReplyTest, Unhealthy) {
  EXPECT_FALSE(ParseHealthReply(200, R"({"status":"syncing"})").status.ok());
  EXPECT_FALSE(ParseHealthReply(503, R"({"status":"healthy"})").status.ok());
  EXPECT_FALSE(ParseHealthReply(200, "hello").status.ok());
}

TEST(PrintableExcerptTest, CannotActOnATerminal) {
  EXPECT_EQ(PrintableExcerpt("a\x1b[2J\n"), "a\\x1b[2J\\n");
  EXPECT_LT(PrintableExcerpt(std::string(100000, 'x')).size(), 400u);
}

TEST(ReadReplyTest, DeepNestingIsHarmless) {
  const std::string deep = std::string(200000, '[') + std::string(200000, ']');
  EXPECT_FALSE(ParseReadReply(200, deep).status.ok());
}

}  // namespace
}  // namespace quorate
