#include "node/rest_response.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "node/fake_kv_api.h"

namespace quorate {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

Operation Asking(OperationKind kind, const std::string& key = "mykey") {
  Operation operation;
  operation.kind = kind;
  operation.key = key;
  return operation;
}

OperationResult Holding(Record record) {
  OperationResult result;
  result.order = OrderOf(record);
  result.record = std::move(record);
  result.node = 3;
  result.answers = 2;
  result.required = 2;
  return result;
}

Record TwoSiblings(bool newer_is_deleted) {
  Record record;
  record.Put(Version(), Sibling{Dot{{1, 10}, 1}, 100, false, "older"});
  record.Put(Version(),
             Sibling{Dot{{2, 20}, 1}, 200, newer_is_deleted, newer_is_deleted ? "" : "newer"});
  return record;
}

class RestResponseTest : public ::testing::Test {
 protected:
  Json Encode(const Operation& operation, const OperationResult& result, int status,
              bool siblings = false) {
    const HttpAnswer answer =
        EncodeResult(operation, AnswerForm::kDocument, siblings, result, api_);
    EXPECT_EQ(answer.status, status) << answer.body;
    const Json json = Json::parse(answer.body, nullptr, false);
    EXPECT_TRUE(json.is_object()) << answer.body;
    return json;
  }

  FakeKvApi api_;
};

TEST_F(RestResponseTest, ASetIsCreated) {
  OperationResult result = Holding(Record::Sequenced(1, 5, false, ""));
  result.replaced_siblings = 1;
  const HttpAnswer answer =
      EncodeResult(Asking(OperationKind::kSet), AnswerForm::kDocument, false, result, api_);
  EXPECT_EQ(answer.status, 201);
  EXPECT_THAT(answer.body, StartsWith(R"({"message":"Key set successfully","version":5,)"));
  const Json json = Json::parse(answer.body);
  EXPECT_TRUE(json["version"].is_number_integer());
  EXPECT_EQ(json["acks"], 2);
  EXPECT_EQ(json["required"], 2);
  EXPECT_EQ(json["node"], "node-3");
  EXPECT_EQ(json["replaced_siblings"], 1);
  EXPECT_EQ(json["order"], (Json{{"major", "1"}, {"minor", "5"}, {"tie", "0"}}));
}

TEST_F(RestResponseTest, ADeleteIsOk) {
  const Json json =
      Encode(Asking(OperationKind::kDelete), Holding(Record::Sequenced(1, 6, true, "")), 200);
  EXPECT_EQ(json["message"], "Key deleted successfully");
  EXPECT_EQ(json["version"], 6);
}

TEST_F(RestResponseTest, AReadShowsKeyValueVersionFirst) {
  for (const OperationKind kind : {OperationKind::kGet, OperationKind::kLocalRead}) {
    const HttpAnswer answer =
        EncodeResult(Asking(kind), AnswerForm::kDocument, false,
                     Holding(Record::Sequenced(1, 5, false, "myvalue")), api_);
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, StartsWith(R"({"key":"mykey","value":"myvalue","version":5,)"));
    const Json json = Json::parse(answer.body);
    EXPECT_EQ(json["answers"], 2);
    EXPECT_EQ(json["disagreed"], false);
    EXPECT_EQ(json["conflict"], false);
    EXPECT_FALSE(json.contains("siblings"));
  }
}

TEST_F(RestResponseTest, TheContextComesBackToTheReplicaUnchanged) {
  const Record record = TwoSiblings(false);
  const Json json = Encode(Asking(OperationKind::kGet), Holding(record), 200);
  std::string token;
  ASSERT_TRUE(absl::Base64Unescape(json["context"].get<std::string>(), &token));
  const absl::StatusOr<Version> version = ParseContextToken("mykey", token);
  ASSERT_TRUE(version.ok()) << version.status();
  EXPECT_TRUE(*version == record.version);
}

TEST_F(RestResponseTest, BytesThatAreNoTextComeInBase64) {
  const Json json = Encode(Asking(OperationKind::kGet, "k\xff"),
                           Holding(Record::Sequenced(1, 5, false, std::string("\xff\0", 2))), 200);
  EXPECT_EQ(json["key_b64"], "a/8=");
  EXPECT_FALSE(json.contains("key"));
  EXPECT_EQ(json["value_b64"], "/wA=");
  EXPECT_EQ(json["encoding"], "base64");
  EXPECT_FALSE(json.contains("value"));
}

TEST_F(RestResponseTest, AnyTextSurvives) {
  const std::string text("\0\x01\"\\/\b\n\t\x7f \xe2\x80\xa8 \xf0\x9f\x98\x80", 19);
  const Json json =
      Encode(Asking(OperationKind::kGet), Holding(Record::Sequenced(1, 5, false, text)), 200);
  EXPECT_EQ(json["value"].get<std::string>(), text);
}

TEST_F(RestResponseTest, AnAbsentKeyIsNotFound) {
  OperationResult result;
  result.answers = 3;
  const Json json = Encode(Asking(OperationKind::kGet), result, 404);
  EXPECT_EQ(json["code"], "NOT_FOUND");
  EXPECT_THAT(json["message"].get<std::string>(), HasSubstr("never written"));
  EXPECT_TRUE(json["details"].is_array());
  EXPECT_EQ(json["key"], "mykey");
  EXPECT_EQ(json["version"], 0);
}

TEST_F(RestResponseTest, ADeletedKeyIsNotFoundWithTheVersionOfItsDelete) {
  const Json json =
      Encode(Asking(OperationKind::kGet), Holding(Record::Sequenced(2, 9, true, "")), 404);
  EXPECT_THAT(json["message"].get<std::string>(), HasSubstr("deleted"));
  EXPECT_EQ(json["version"], 9);
  std::string token;
  ASSERT_TRUE(absl::Base64Unescape(json["context"].get<std::string>(), &token));
  EXPECT_TRUE(*ParseContextToken("mykey", token) == Version::Sequenced(2, 9));
}

TEST_F(RestResponseTest, SiblingsAreShownWhereTheyWereAskedFor) {
  const OperationResult result = Holding(TwoSiblings(false));
  const Json plain = Encode(Asking(OperationKind::kGet), result, 200);
  EXPECT_EQ(plain["value"], "newer");
  EXPECT_EQ(plain["conflict"], true);
  EXPECT_FALSE(plain.contains("siblings"));

  const Json all = Encode(Asking(OperationKind::kGet), result, 200, /*siblings=*/true);
  EXPECT_EQ(all["conflict"], true);
  ASSERT_EQ(all["siblings"].size(), 2u);
  EXPECT_EQ(all["siblings"][0]["value"], "older");
  EXPECT_EQ(all["siblings"][1]["value"], "newer");
  EXPECT_EQ(all["siblings"][1]["order"]["major"], "200");
}

TEST_F(RestResponseTest, ADeleteAmongSiblingsHidesTheOthersUnlessTheyWereAskedFor) {
  const OperationResult result = Holding(TwoSiblings(true));
  const Json plain = Encode(Asking(OperationKind::kGet), result, 404);
  EXPECT_EQ(plain["conflict"], true);

  const Json all = Encode(Asking(OperationKind::kGet), result, 200, /*siblings=*/true);
  EXPECT_FALSE(all.contains("value"));
  ASSERT_EQ(all["siblings"].size(), 2u);
  EXPECT_EQ(all["siblings"][0]["value"], "older");
  EXPECT_EQ(all["siblings"][1]["deleted"], true);
  EXPECT_FALSE(all["siblings"][1].contains("value"));
}

TEST_F(RestResponseTest, AFailedWriteSaysWhetherItMayHaveHappened) {
  OperationResult result;
  result.status = absl::UnavailableError("the leader is gone");
  result.may_have_applied = true;
  result.answers = 1;
  result.required = 3;
  result.leader = 1;
  const Json json = Encode(Asking(OperationKind::kSet), result, 504);
  EXPECT_EQ(json["code"], "UNAVAILABLE");
  EXPECT_EQ(json["message"], "the leader is gone");
  EXPECT_EQ(json["details"][0],
            (Json{{"may_have_applied", true}, {"acks", 1}, {"required", 3}, {"leader", "node-1"}}));

  const Json refused =
      Encode(Asking(OperationKind::kSet), Failed(absl::UnavailableError("too few replicas")), 503);
  EXPECT_EQ(refused["details"][0]["may_have_applied"], false);
}

TEST_F(RestResponseTest, AMessageMayHoldAnyBytes) {
  const Json json =
      Encode(Asking(OperationKind::kSet), Failed(absl::InvalidArgumentError("no \xff here")), 400);
  EXPECT_THAT(json["message"].get<std::string>(), StartsWith("no "));
}

TEST_F(RestResponseTest, ARawReadIsTheValueAndTellsTheRestInHeaders) {
  const std::string bytes("\xff\0\r\n", 4);
  OperationResult result = Holding(Record::Sequenced(1, 5, false, bytes));
  result.disagreed = true;
  const HttpAnswer answer =
      EncodeResult(Asking(OperationKind::kGet), AnswerForm::kRaw, false, result, api_);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, bytes);
  EXPECT_EQ(answer.content_type, kBytesType);
  const std::string context = absl::Base64Escape(ContextToken("mykey", Version::Sequenced(1, 5)));
  EXPECT_THAT(answer.headers,
              ElementsAre(Pair("Quorate-Version", "5"), Pair("Quorate-Context", context),
                          Pair("Quorate-Order", "1.5.0"), Pair("Quorate-Node", "node-3"),
                          Pair("Quorate-Answers", "2"), Pair("Quorate-Required", "2"),
                          Pair("Quorate-Disagreed", "true"), Pair("Quorate-Conflict", "false"),
                          Pair("Quorate-Durability", "synced"), Pair("Quorate-Session", context)));
}

TEST_F(RestResponseTest, EveryAnswerButALocalReadsHasTheSessionsToken) {
  OperationResult result = Holding(Record::Sequenced(1, 5, false, "v"));
  result.session = Version::Sequenced(2, 3);
  const std::string token = absl::Base64Escape(ContextToken("mykey", *result.session));
  for (const OperationKind kind :
       {OperationKind::kGet, OperationKind::kSet, OperationKind::kDelete}) {
    for (const AnswerForm form : {AnswerForm::kDocument, AnswerForm::kRaw}) {
      EXPECT_THAT(EncodeResult(Asking(kind), form, false, result, api_).headers,
                  Contains(Pair("Quorate-Session", token)));
    }
  }
  EXPECT_THAT(
      EncodeResult(Asking(OperationKind::kLocalRead), AnswerForm::kDocument, false, result, api_)
          .headers,
      IsEmpty());
}

TEST_F(RestResponseTest, WhatIsTooLongForAHeaderStandsInTheBodyAlone) {
  Record record = Record::Sequenced(1, 5, false, "v");
  record.version = Version();
  for (uint64_t incarnation = 1; incarnation <= 6000; ++incarnation) {
    record.version.Add(Dot{{1, incarnation << 32}, 1});
  }
  for (const AnswerForm form : {AnswerForm::kDocument, AnswerForm::kRaw}) {
    const HttpAnswer answer =
        EncodeResult(Asking(OperationKind::kSet), form, false, Holding(record), api_);
    EXPECT_GT(Json::parse(answer.body)["context"].get<std::string>().size(), 65536u);
    for (const auto& [name, text] : answer.headers) {
      EXPECT_THAT(name, Not(HasSubstr("Session")));
      EXPECT_THAT(name, Not(HasSubstr("Context")));
    }
  }
}

TEST_F(RestResponseTest, ANameCannotBreakAHeader) {
  class OddName : public FakeKvApi {
   public:
    std::string NodeName(NodeId) const override { return "a\r\nSet-Cookie: b"; }
  };
  const OddName api;
  const HttpAnswer answer = EncodeResult(Asking(OperationKind::kGet), AnswerForm::kRaw, false,
                                         Holding(Record::Sequenced(1, 5, false, "v")), api);
  EXPECT_THAT(answer.headers, Contains(Pair("Quorate-Node", "a??Set-Cookie: b")));
}

TEST_F(RestResponseTest, ARawReadOfAnAbsentKeyIsAnErrorWithTheHeaders) {
  const HttpAnswer answer = EncodeResult(Asking(OperationKind::kGet), AnswerForm::kRaw, false,
                                         Holding(Record::Sequenced(2, 9, true, "")), api_);
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.content_type, kJsonType);
  EXPECT_EQ(Json::parse(answer.body)["code"], "NOT_FOUND");
  EXPECT_THAT(answer.headers, Contains(Pair("Quorate-Version", "9")));
  EXPECT_THAT(answer.headers, Contains(Pair("Quorate-Context", Not(IsEmpty()))));
}

TEST_F(RestResponseTest, SiblingsOfARawReadTakeJson) {
  const OperationResult result = Holding(TwoSiblings(false));
  const Operation get = Asking(OperationKind::kGet);
  const HttpAnswer winner = EncodeResult(get, AnswerForm::kRaw, false, result, api_);
  EXPECT_EQ(winner.body, "newer");
  EXPECT_THAT(winner.headers, Contains(Pair("Quorate-Conflict", "true")));

  const HttpAnswer all = EncodeResult(get, AnswerForm::kRaw, true, result, api_);
  EXPECT_EQ(all.status, 200);
  EXPECT_EQ(all.content_type, kJsonType);
  EXPECT_EQ(Json::parse(all.body)["siblings"].size(), 2u);
  EXPECT_EQ(Json::parse(all.body)["key"], "mykey");

  const HttpAnswer settled = EncodeResult(get, AnswerForm::kRaw, true,
                                          Holding(Record::Sequenced(1, 5, false, "one")), api_);
  EXPECT_EQ(settled.body, "one");
}

TEST_F(RestResponseTest, ARawWriteHasTheDocumentAndTheHeaders) {
  OperationResult result = Holding(Record::Sequenced(1, 5, false, ""));
  result.replaced_siblings = 2;
  const HttpAnswer put =
      EncodeResult(Asking(OperationKind::kSet), AnswerForm::kRaw, false, result, api_);
  EXPECT_EQ(put.status, 200);
  EXPECT_EQ(Json::parse(put.body)["version"], 5);
  EXPECT_THAT(put.headers, Contains(Pair("Quorate-Acks", "2")));
  EXPECT_THAT(put.headers, Contains(Pair("Quorate-Replaced-Siblings", "2")));
  EXPECT_EQ(
      EncodeResult(Asking(OperationKind::kDelete), AnswerForm::kRaw, false, result, api_).status,
      200);
  const HttpAnswer failed = EncodeResult(Asking(OperationKind::kSet), AnswerForm::kRaw, false,
                                         Failed(absl::UnavailableError("too few replicas")), api_);
  EXPECT_EQ(failed.status, 503);
  EXPECT_TRUE(failed.headers.empty());
}

TEST_F(RestResponseTest, Health) {
  v1::StatusResponse status;
  status.set_state("serving");
  status.set_node("1");
  status.set_role("leader");
  status.set_strategy("leader_follower");
  status.set_n(5);
  status.set_w(3);
  status.set_r(2);
  status.set_incarnation(uint64_t{1} << 63);
  status.set_emulated_delays("lan");
  (*status.mutable_counters())["reads"] = ~uint64_t{0};
  v1::PeerStatus* peer = status.add_peers();
  peer->set_node("2");
  peer->set_connected(true);
  const HttpAnswer healthy = EncodeHealth(status);
  EXPECT_EQ(healthy.status, 200);
  const Json json = Json::parse(healthy.body);
  EXPECT_EQ(json["status"], "healthy");
  EXPECT_EQ(json["state"], "serving");
  EXPECT_EQ(json["node_id"], "1");
  EXPECT_EQ(json["role"], "leader");
  EXPECT_EQ(json["strategy"], "leader_follower");
  EXPECT_EQ(json["n"], 5);
  EXPECT_EQ(json["w"], 3);
  EXPECT_EQ(json["r"], 2);
  EXPECT_EQ(json["incarnation"], "9223372036854775808");
  EXPECT_EQ(json["emulated_delays"], "lan");
  EXPECT_EQ(json["counters"]["reads"], "18446744073709551615");
  EXPECT_EQ(json["peers"][0]["connected"], true);

  status.set_state("syncing");
  status.set_detail("2 of 3 replicas compared");
  const HttpAnswer syncing = EncodeHealth(status);
  EXPECT_EQ(syncing.status, 503);
  EXPECT_EQ(Json::parse(syncing.body)["status"], "syncing");
  EXPECT_EQ(Json::parse(syncing.body)["detail"], "2 of 3 replicas compared");
}

}  // namespace
}  // namespace quorate
