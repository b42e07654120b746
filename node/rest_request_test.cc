#include "node/rest_request.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace quorate {
namespace {

using ::testing::HasSubstr;

KeyRequest Decoded(absl::string_view method, absl::string_view target,
                   absl::string_view body = "") {
  const RestRequest request = DecodeRestRequest({method, target, body, {}});
  const KeyRequest* key_request = std::get_if<KeyRequest>(&request);
  if (key_request != nullptr) return *key_request;
  const HttpAnswer* answer = std::get_if<HttpAnswer>(&request);
  ADD_FAILURE() << method << " " << target << " " << body << " -> "
                << (answer == nullptr ? "health" : answer->body);
  return KeyRequest();
}

std::string KeyOf(absl::string_view target) { return Decoded("GET", target).operation.key; }

// The answer's body must be a JSON object with a code and a message.
void ExpectRefused(int status, absl::string_view method, absl::string_view target,
                   absl::string_view body, const std::string& why) {
  const RestRequest request = DecodeRestRequest({method, target, body, {}});
  const HttpAnswer* answer = std::get_if<HttpAnswer>(&request);
  ASSERT_NE(answer, nullptr) << method << " " << target << " " << body;
  EXPECT_EQ(answer->status, status) << method << " " << target << " " << body;
  const auto json = nlohmann::json::parse(answer->body, nullptr, false);
  ASSERT_TRUE(json.is_object()) << answer->body;
  EXPECT_TRUE(json["code"].is_string());
  EXPECT_TRUE(json["details"].is_array());
  EXPECT_THAT(json["message"].get<std::string>(), HasSubstr(why));
}

TEST(RestRequestTest, SessionsComeInAHeader) {
  const std::pair<absl::string_view, absl::string_view> calls[] = {
      {"GET", "/get/k"}, {"HEAD", "/get/k"},     {"GET", "/v1/kv/k"}, {"PUT", "/v1/kv/k"},
      {"POST", "/set"},  {"DELETE", "/v1/kv/k"}, {"POST", "/delete"}, {"GET", "/local_read/k"},
  };
  for (const auto& [method, target] : calls) {
    const absl::string_view body = method == "POST" ? R"({"key":"k","value":"v"})" : "";
    HttpRequest http{method, target, body, {{"quorate-SESSION", "AQID"}}};
    const RestRequest request = DecodeRestRequest(http);
    const KeyRequest* decoded = std::get_if<KeyRequest>(&request);
    ASSERT_NE(decoded, nullptr) << method << " " << target;
    EXPECT_EQ(decoded->operation.session, "\x01\x02\x03");
    EXPECT_EQ(decoded->operation.context, "");

    http.headers = {{"Quorate-Session", "*"}};
    const RestRequest damaged = DecodeRestRequest(http);
    ASSERT_NE(std::get_if<HttpAnswer>(&damaged), nullptr) << method << " " << target;
    EXPECT_EQ(std::get_if<HttpAnswer>(&damaged)->status, 400);
    http.headers = {{"Quorate-Session", "AQID"}, {"Quorate-Session", "AQID"}};
    const RestRequest twice = DecodeRestRequest(http);
    ASSERT_NE(std::get_if<HttpAnswer>(&twice), nullptr) << method << " " << target;
    EXPECT_THAT(std::get_if<HttpAnswer>(&twice)->body, HasSubstr("twice"));
  }
}

TEST(RestRequestTest, WritesMayHaveANameAndBeRepeated) {
  const std::pair<absl::string_view, absl::string_view> calls[] = {
      {"PUT", "/v1/kv/k"}, {"POST", "/set"}, {"DELETE", "/v1/kv/k"}, {"POST", "/delete"}};
  for (const auto& [method, target] : calls) {
    const absl::string_view body = method == "POST" ? R"({"key":"k","value":"v"})" : "";
    const auto decode = [&, method = method, target = target](
                            std::vector<std::pair<absl::string_view, absl::string_view>> headers) {
      return DecodeRestRequest(HttpRequest{method, target, body, std::move(headers)});
    };
    const RestRequest first = decode({{"idempotency-KEY", "8e03978e"}});
    ASSERT_NE(std::get_if<KeyRequest>(&first), nullptr) << method << " " << target;
    EXPECT_EQ(std::get_if<KeyRequest>(&first)->operation.request, "8e03978e");
    EXPECT_FALSE(std::get_if<KeyRequest>(&first)->operation.repeat);
    const RestRequest repeat =
        decode({{"Idempotency-Key", "8e03978e"}, {"Quorate-Repeat", "true"}});
    ASSERT_NE(std::get_if<KeyRequest>(&repeat), nullptr) << method << " " << target;
    EXPECT_TRUE(std::get_if<KeyRequest>(&repeat)->operation.repeat);
    for (const auto& headers :
         {std::vector<std::pair<absl::string_view, absl::string_view>>{{"Idempotency-Key", ""}},
          {{"Idempotency-Key", "a"}, {"Idempotency-Key", "a"}},
          {{"Idempotency-Key", "a"}, {"Quorate-Repeat", "perhaps"}}}) {
      const RestRequest wrong = decode(headers);
      ASSERT_NE(std::get_if<HttpAnswer>(&wrong), nullptr) << method << " " << target;
      EXPECT_EQ(std::get_if<HttpAnswer>(&wrong)->status, 400);
    }
  }
}

// Nobody knows what became of the tries before a repeat that is refused, whatever is wrong with it.
TEST(RestRequestTest, RefusalsOfARepeatSpeakOfEarlierTries) {
  struct Refused {
    int status;
    absl::string_view method, target, body;
    std::pair<absl::string_view, absl::string_view> header;
  };
  const Refused refused[] = {{400, "POST", "/set", "{", {}},
                             {400, "POST", "/set", R"({"key":"k","value":"v","w":"3"})", {}},
                             {400, "POST", "/delete", "{}", {}},
                             {400, "PUT", "/v1/kv/k?w=x", "v", {}},
                             {400, "DELETE", "/v1/kv/k", "body", {}},
                             {400, "PUT", "/v1/kv/k", "v", {"Quorate-Session", "*"}},
                             {400, "PUT", "/v1/kv/k", "v", {"Idempotency-Key", ""}},
                             {501, "PUT", "/v1/kv/k", "v", {"If-Match", "x"}},
                             {405, "PUT", "/set", "", {}},
                             {404, "POST", "/v2", "", {}}};
  for (const Refused& call : refused) {
    const auto may_have_applied = [&call](absl::string_view repeat) {
      HttpRequest http{call.method, call.target, call.body, {{"quorate-REPEAT", repeat}}};
      if (!call.header.first.empty()) http.headers.push_back(call.header);
      const RestRequest request = DecodeRestRequest(http);
      const HttpAnswer* answer = std::get_if<HttpAnswer>(&request);
      if (answer == nullptr) return std::string("not refused");
      EXPECT_EQ(answer->status, call.status) << answer->body;
      const auto json = nlohmann::json::parse(answer->body);
      const bool speaks =
          json["message"].get<std::string>().find("earlier try") != std::string::npos;
      EXPECT_EQ(json["details"][0]["may_have_applied"], speaks) << answer->body;
      return json["details"][0]["may_have_applied"].dump();
    };
    EXPECT_EQ(may_have_applied("false"), "false") << call.method << " " << call.target;
    EXPECT_EQ(may_have_applied("true"), "true") << call.method << " " << call.target;
    EXPECT_EQ(may_have_applied("perhaps"), "true") << call.method << " " << call.target;
  }
}

TEST(RestRequestTest, OnlyAWriteIsARepeat) {
  EXPECT_FALSE(IsRepeat({"PUT", "/v1/kv/k", "", {}}));
  EXPECT_TRUE(IsRepeat({"PUT", "/v1/kv/k", "", {{"Quorate-Repeat", "1"}}}));
  EXPECT_TRUE(
      IsRepeat({"PUT", "/v1/kv/k", "", {{"Quorate-Repeat", "false"}, {"Quorate-Repeat", "true"}}}));
  EXPECT_FALSE(IsRepeat({"GET", "/v1/kv/k", "", {{"Quorate-Repeat", "true"}}}));
  EXPECT_FALSE(IsRepeat({"HEAD", "/v1/kv/k", "", {{"Quorate-Repeat", "true"}}}));
}

TEST(RestRequestTest, DocumentedCalls) {
  const KeyRequest set = Decoded("POST", "/set", R"({"key":"mykey","value":"myvalue"})");
  EXPECT_EQ(set.operation.kind, OperationKind::kSet);
  EXPECT_EQ(set.operation.key, "mykey");
  EXPECT_EQ(set.operation.value, "myvalue");
  EXPECT_EQ(set.operation.context, "");
  EXPECT_EQ(set.operation.w, std::nullopt);

  const KeyRequest get = Decoded("GET", "/get/mykey");
  EXPECT_EQ(get.operation.kind, OperationKind::kGet);
  EXPECT_EQ(get.operation.key, "mykey");
  EXPECT_EQ(get.operation.r, std::nullopt);
  EXPECT_FALSE(get.siblings);

  const KeyRequest local = Decoded("GET", "/local_read/mykey");
  EXPECT_EQ(local.operation.kind, OperationKind::kLocalRead);
  EXPECT_EQ(local.operation.key, "mykey");

  EXPECT_TRUE(std::holds_alternative<HealthRequest>(DecodeRestRequest({"GET", "/health", "", {}})));
}

TEST(RestRequestTest, OptionalFields) {
  const KeyRequest set = Decoded(
      "POST", "/set", R"({"key":"k","value":"v","w":4,"context":"AQID","unknown":{"x":[1]}})");
  EXPECT_EQ(set.operation.w, 4);
  EXPECT_EQ(set.operation.context, "\x01\x02\x03");

  const KeyRequest deletion = Decoded("POST", "/delete", R"({"key":"k","w":2,"context":"AQI"})");
  EXPECT_EQ(deletion.operation.kind, OperationKind::kDelete);
  EXPECT_EQ(deletion.operation.w, 2);
  EXPECT_EQ(deletion.operation.context, "\x01\x02");

  const KeyRequest get = Decoded("GET", "/get/k?r=3&siblings=true&unknown=1");
  EXPECT_EQ(get.operation.r, 3);
  EXPECT_FALSE(get.operation.linearizable);
  EXPECT_TRUE(Decoded("GET", "/get/k?consistency=linearizable").operation.linearizable);
  EXPECT_EQ(Decoded("GET", "/get/k?consistency=local").operation.kind, OperationKind::kLocalRead);
  ExpectRefused(400, "GET", "/get/k?consistency=linearizable&r=2", "", "'r' goes with");
  EXPECT_TRUE(get.siblings);
  EXPECT_FALSE(Decoded("GET", "/local_read/k?siblings=0").siblings);
}

TEST(RestRequestTest, QuorumsThatMakeNoSenseReachTheReplicaWhichKnowsN) {
  EXPECT_EQ(Decoded("POST", "/set", R"({"key":"k","value":"v","w":0})").operation.w, 0);
  EXPECT_EQ(Decoded("POST", "/set", R"({"key":"k","value":"v","w":-1})").operation.w, -1);
  EXPECT_EQ(Decoded("GET", "/get/k?r=0").operation.r, 0);
}

TEST(RestRequestTest, KeysInPaths) {
  EXPECT_EQ(KeyOf("/get/a%20b"), "a b");
  EXPECT_EQ(KeyOf("/get/a/b/c"), "a/b/c");
  EXPECT_EQ(KeyOf("/get/a%2Fb"), "a/b");
  EXPECT_EQ(KeyOf("/get//a//"), "/a//");
  EXPECT_EQ(KeyOf("/get/a%252Fb"), "a%2Fb");
  EXPECT_EQ(KeyOf("/get/a+b"), "a+b");
  EXPECT_EQ(KeyOf("/get/a%3Fr=1"), "a?r=1");
  EXPECT_EQ(KeyOf("/get/k%C3%A9"), "k\xc3\xa9");
  EXPECT_EQ(KeyOf("/get/k\xc3\xa9"), "k\xc3\xa9");
  EXPECT_EQ(KeyOf("/get/%00"), std::string(1, '\0'));
  EXPECT_EQ(KeyOf("/get/../health"), "../health");
  EXPECT_EQ(KeyOf("http://host:80/get/k"), "k");
}

TEST(RestRequestTest, BytesInBase64) {
  EXPECT_EQ(KeyOf("/get?key_b64=/wA"), std::string("\xff\0", 2));
  EXPECT_EQ(KeyOf("/get/?key_b64=%2fwA%3D"), std::string("\xff\0", 2));
  EXPECT_EQ(KeyOf("/local_read?key_b64=-_-_"), "\xfb\xff\xbf");
  EXPECT_EQ(KeyOf("/local_read?key_b64=+/+/"), "\xfb\xff\xbf");
  const KeyRequest set = Decoded("POST", "/set", R"({"key_b64":"/w==","value_b64":"_w"})");
  EXPECT_EQ(set.operation.key, "\xff");
  EXPECT_EQ(set.operation.value, "\xff");
}

TEST(RestRequestTest, EmptyValueIsAValue) {
  EXPECT_EQ(Decoded("POST", "/set", R"({"key":"k","value":""})").operation.value, "");
}

TEST(RestRequestTest, RefusesBadKeysInUrls) {
  ExpectRefused(400, "GET", "/get/", "", "the key is empty");
  ExpectRefused(400, "GET", "/get", "", "the key is empty");
  ExpectRefused(400, "GET", "/local_read/", "", "the key is empty");
  ExpectRefused(400, "GET", "/get?key_b64=", "", "the key is empty");
  ExpectRefused(400, "GET", "/get/a%2", "", "'%'");
  ExpectRefused(400, "GET", "/get/a%zz", "", "'%'");
  ExpectRefused(400, "GET", "/get/%FF", "", "not valid UTF-8");
  ExpectRefused(400, "GET", "/get?key_b64=*", "", "'key_b64' is not valid base64");
  ExpectRefused(400, "GET", "/get/k?key_b64=aw", "", "not both");
}

TEST(RestRequestTest, RefusesBadParameters) {
  ExpectRefused(400, "GET", "/get/k?r=x", "", "'r'");
  ExpectRefused(400, "GET", "/get/k?r=", "", "'r'");
  ExpectRefused(400, "GET", "/get/k?r=1.5", "", "'r'");
  ExpectRefused(400, "GET", "/get/k?r=99999999999", "", "'r'");
  ExpectRefused(400, "GET", "/get/k?siblings=maybe", "", "'siblings'");
  ExpectRefused(400, "GET", "/get/k?r=1&r=2", "", "twice");
  ExpectRefused(400, "GET", "/get/k?r=%", "", "'%'");
}

TEST(RestRequestTest, RefusesBadFields) {
  ExpectRefused(400, "POST", "/set", "", "JSON");
  ExpectRefused(400, "POST", "/set", "{", "JSON");
  ExpectRefused(400, "POST", "/set", "[]", "object");
  ExpectRefused(400, "POST", "/set", "{}", "'key' is missing");
  ExpectRefused(400, "POST", "/set", R"({"value":"v"})", "'key' is missing");
  ExpectRefused(400, "POST", "/set", R"({"key":"k"})", "'value' is missing");
  ExpectRefused(400, "POST", "/set", R"({"key":"","value":"v"})", "the key is empty");
  ExpectRefused(400, "POST", "/set", R"({"key":5,"value":"v"})", "'key' must be a string");
  ExpectRefused(400, "POST", "/set", R"({"key":null,"value":"v"})", "not null");
  ExpectRefused(400, "POST", "/set", R"({"key":"k","value":{}})", "'value' must be a string");
  ExpectRefused(400, "POST", "/set", R"({"key":"k","value":1.5})", "'value' must be a string");
  ExpectRefused(400, "POST", "/set", R"({"key":"k","value":"v","w":"3"})", "'w'");
  ExpectRefused(400, "POST", "/set", R"({"key":"k","value":"v","w":1.5})", "'w'");
  ExpectRefused(400, "POST", "/set", R"({"key":"k","value":"v","w":4294967297})", "'w'");
  ExpectRefused(400, "POST", "/set", R"({"key":"k","value":"v","context":7})", "'context'");
  ExpectRefused(400, "POST", "/set", R"({"key":"k","value":"v","context":"*"})", "'context'");
  ExpectRefused(400, "POST", "/set", R"({"key":"k","value_b64":"*"})", "'value_b64'");
  ExpectRefused(400, "POST", "/set", R"({"key":"k","key_b64":"aw","value":"v"})", "not both");
  ExpectRefused(400, "POST", "/set", R"({"key":"k","value":"v","value_b64":"dg"})", "not both");
  ExpectRefused(400, "POST", "/set", R"({"key":"a","key":"b","value":"v"})", "twice");
  ExpectRefused(400, "POST", "/set", "{\"key\":\"k\",\"value\":\"\xff\"}", "not valid UTF-8");
  ExpectRefused(400, "POST", "/delete", "{}", "'key' is missing");
}

TEST(RestRequestTest, RefusesUnknownPaths) {
  for (const absl::string_view path : {"/", "/nothing", "/getx", "/Get/k", "/set/", "/health/x",
                                       "/delete/k", "*", "", "http://host", "/v1", "/v1/kvx/k"}) {
    ExpectRefused(404, "GET", path, "", "no such path");
  }
}

TEST(RestRequestTest, RefusesWrongMethodsAndNamesTheRightOnes) {
  const auto allow = [](absl::string_view method, absl::string_view target) {
    ExpectRefused(405, method, target, "", "only");
    const RestRequest request = DecodeRestRequest({method, target, "", {}});
    const auto& headers = std::get<HttpAnswer>(request).headers;
    EXPECT_EQ(headers.size(), 1u);
    EXPECT_EQ(headers[0].first, "Allow");
    return headers[0].second;
  };
  EXPECT_EQ(allow("GET", "/set"), "POST");
  EXPECT_EQ(allow("PUT", "/delete"), "POST");
  EXPECT_EQ(allow("POST", "/get/k"), "GET, HEAD");
  EXPECT_EQ(allow("DELETE", "/local_read/k"), "GET, HEAD");
  EXPECT_EQ(allow("OPTIONS", "/health"), "GET, HEAD");
  EXPECT_EQ(allow("get", "/health"), "GET, HEAD");
  EXPECT_EQ(allow("POST", "/v1/kv/k"), "GET, HEAD, PUT, DELETE");
}

TEST(RestRequestTest, RawCallsHaveAPathOfTheirOwn) {
  const KeyRequest get = Decoded("GET", "/v1/kv/a%20b/c");
  EXPECT_EQ(get.operation.kind, OperationKind::kGet);
  EXPECT_EQ(get.operation.key, "a b/c");
  EXPECT_EQ(get.form, AnswerForm::kRaw);
  EXPECT_EQ(Decoded("PUT", "/v1/kv?key_b64=aw", "v").operation.key, "k");
  ExpectRefused(501, "GET", "/v1/kv/k?consistency=bounded", "", "bounded");
  EXPECT_EQ(Decoded("GET", "/get/k").form, AnswerForm::kDocument);
}

TEST(RestRequestTest, HeadGoesWhereGetGoes) {
  EXPECT_EQ(Decoded("HEAD", "/get/k").operation.kind, OperationKind::kGet);
  EXPECT_TRUE(
      std::holds_alternative<HealthRequest>(DecodeRestRequest({"HEAD", "/health", "", {}})));
}

TEST(RestRequestTest, RefusesHeadersThatWouldChangeWhatAWriteMeans) {
  for (const absl::string_view target : {"/set", "/delete"}) {
    for (const absl::string_view name : {"If-Match", "if-none-match", "If-Unmodified-Since"}) {
      const RestRequest request =
          DecodeRestRequest({"POST", target, R"({"key":"k","value":"v"})", {{name, "x"}}});
      const HttpAnswer* answer = std::get_if<HttpAnswer>(&request);
      ASSERT_NE(answer, nullptr) << target << " " << name;
      EXPECT_EQ(answer->status, 501);
      EXPECT_THAT(answer->body, HasSubstr("nothing was written"));
    }
  }
}

}  // namespace
}  // namespace quorate
