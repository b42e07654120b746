#include "tools/kvctl_output.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace quorate::kvctl {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

Error Of(absl::Status status, bool may_have_applied) {
  Error error{std::move(status), ErrorDetails()};
  error.details.may_have_applied = may_have_applied;
  return error;
}

TEST(KvctlOutputTest, ExitCodesTellWhatBecameOfAWrite) {
  const absl::Status away = absl::UnavailableError("no leader");
  EXPECT_EQ(ExitCodeOf(Of(away, false), /*write=*/true), kNothingWritten);
  EXPECT_EQ(ExitCodeOf(Of(away, true), /*write=*/true), kOutcomeUnknown);
  EXPECT_EQ(ExitCodeOf(Of(away, false), /*write=*/false), kUnavailable);
  const absl::Status wrong = absl::InvalidArgumentError("w is 9");
  EXPECT_EQ(ExitCodeOf(Of(wrong, false), /*write=*/true), kWrongUsage);
  EXPECT_EQ(ExitCodeOf(Of(wrong, false), /*write=*/false), kWrongUsage);
  const absl::Status never = absl::FailedPreconditionError("this cluster is linearizable");
  EXPECT_EQ(ExitCodeOf(Of(never, false), /*write=*/true), kWrongUsage);
  EXPECT_EQ(ExitCodeOf(Of(never, false), /*write=*/false), kWrongUsage);
  Error elsewhere = Of(absl::FailedPreconditionError("not the leader"), false);
  elsewhere.details.leader = "1";
  EXPECT_EQ(ExitCodeOf(elsewhere, /*write=*/true), kNothingWritten);
  EXPECT_THAT(ErrorText(Of(away, true), /*write=*/true), HasSubstr("may have been applied"));
  EXPECT_THAT(ErrorText(Of(away, false), /*write=*/true), HasSubstr("nothing was written"));
  EXPECT_EQ(ErrorText(Of(away, false), /*write=*/false), "UNAVAILABLE: no leader");
}

TEST(KvctlOutputTest, JsonCarriesTextsAndBytes) {
  ReadReply reply;
  reply.value = "h\xc3\xa9llo \"\\\n";
  reply.version = 5;
  reply.order = Order{1ull << 60, 2, 3};
  reply.context = "\x01\xff";
  reply.durability = "synced";
  json read = json::parse(ReadJson("key", reply));
  EXPECT_EQ(read["key"], "key");
  EXPECT_EQ(read["value"], "h\xc3\xa9llo \"\\\n");
  EXPECT_EQ(read["version"], 5);
  EXPECT_EQ(read["order"]["major"], "1152921504606846976");
  EXPECT_EQ(read["context"], "Af8=");
  EXPECT_EQ(read["durability"], "synced");
  EXPECT_EQ(ParseContext("Af8="), "\x01\xff");
  EXPECT_EQ(ParseContext("Af8"), "\x01\xff");
  EXPECT_EQ(ParseContext("?"), std::nullopt);

  reply.value = "\xff";
  reply.siblings = {SiblingValue{"\xfe", Order(), false}, SiblingValue{"", Order(), true}};
  read = json::parse(ReadJson("\xff", reply));
  EXPECT_EQ(read["key_b64"], "/w==");
  EXPECT_EQ(read["value_b64"], "/w==");
  EXPECT_FALSE(read.contains("value"));
  EXPECT_EQ(read["siblings"][0]["value_b64"], "/g==");
  EXPECT_EQ(read["siblings"][1]["deleted"], true);

  reply.value = std::nullopt;
  EXPECT_EQ(json::parse(ReadJson("key", reply))["found"], false);
  const json error = json::parse(ErrorJson(Of(absl::UnavailableError("away"), true)));
  EXPECT_EQ(error["code"], "UNAVAILABLE");
  EXPECT_EQ(error["details"][0]["may_have_applied"], true);
  WriteReply write;
  write.version = 7;
  write.acks = 3;
  write.durability = "os";
  EXPECT_EQ(json::parse(WriteJson("key", write))["acks"], 3);
  EXPECT_EQ(json::parse(WriteJson("key", write))["durability"], "os");
  EXPECT_THAT(WriteText(write), HasSubstr("version 7"));
}

TEST(KvctlOutputTest, StatusShowsNodesThatCannotBeReached) {
  std::vector<NodeView> nodes(2);
  nodes[0].node = "1";
  nodes[0].grpc_address = "a:9080";
  nodes[0].error = "connection refused";
  nodes[1].node = "2";
  nodes[1].grpc_address = "b:9080";
  NodeStatus& status = nodes[1].status.emplace();
  status.node = "2";
  status.cluster = "quorate";
  status.strategy = "leader_follower";
  status.role = "leader";
  status.state = "serving";
  status.epoch = 3;
  status.peers.resize(1);
  status.peers[0].node = "1";
  status.peers[0].refusal = "another cluster";
  const std::string text = StatusText(nodes);
  EXPECT_THAT(text, HasSubstr("cluster quorate: leader_follower"));
  EXPECT_THAT(text, HasSubstr("unreachable a:9080"));
  EXPECT_THAT(text, HasSubstr("0 of 1 connected, epoch 3"));
  EXPECT_THAT(text, HasSubstr("refused by 1: another cluster"));
  const json parsed = json::parse(StatusJson(nodes));
  EXPECT_EQ(parsed["nodes"][0]["reachable"], false);
  EXPECT_EQ(parsed["nodes"][0]["error"], "connection refused");
  EXPECT_EQ(parsed["nodes"][1]["epoch"], "3");
}

}  // namespace
}  // namespace quorate::kvctl
