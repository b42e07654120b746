#include "node/raw_request.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<KeyRequest> Decode(absl::string_view method, absl::string_view path_key,
                                  absl::string_view query, HttpRequest http = {}) {
  http.method = method;
  return DecodeRawRequest(http, path_key, query);
}

KeyRequest Decoded(absl::string_view method, absl::string_view path_key, absl::string_view query,
                   HttpRequest http = {}) {
  const absl::StatusOr<KeyRequest> request = Decode(method, path_key, query, std::move(http));
  EXPECT_TRUE(request.ok()) << method << " " << path_key << "?" << query << " " << request.status();
  return request.value_or(KeyRequest());
}

void ExpectRefused(absl::StatusCode code, const std::string& why, absl::string_view method,
                   absl::string_view path_key, absl::string_view query, HttpRequest http = {}) {
  const absl::StatusOr<KeyRequest> request = Decode(method, path_key, query, std::move(http));
  EXPECT_EQ(request.status().code(), code) << method << " " << path_key << "?" << query;
  EXPECT_THAT(std::string(request.status().message()), HasSubstr(why));
}

HttpRequest WithHeader(absl::string_view name, absl::string_view value) {
  HttpRequest http;
  http.headers = {{"Host", "h"}, {name, value}};
  return http;
}

HttpRequest WithBody(absl::string_view body) {
  HttpRequest http;
  http.body = body;
  return http;
}

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kUnimplemented = absl::StatusCode::kUnimplemented;

TEST(RawRequestTest, Reads) {
  const KeyRequest plain = Decoded("GET", "k", "");
  EXPECT_EQ(plain.operation.kind, OperationKind::kGet);
  EXPECT_EQ(plain.operation.key, "k");
  EXPECT_EQ(plain.operation.r, std::nullopt);
  EXPECT_EQ(plain.timeout, std::nullopt);
  EXPECT_FALSE(plain.siblings);
  EXPECT_EQ(plain.form, AnswerForm::kRaw);

  const KeyRequest full =
      Decoded("HEAD", "k", "r=3&siblings=true&consistency=quorum&timeout_ms=50");
  EXPECT_EQ(full.operation.kind, OperationKind::kGet);
  EXPECT_EQ(full.operation.r, 3);
  EXPECT_TRUE(full.siblings);
  EXPECT_EQ(full.timeout, absl::Milliseconds(50));

  EXPECT_EQ(Decoded("GET", "k", "consistency=local").operation.kind, OperationKind::kLocalRead);
}

TEST(RawRequestTest, Writes) {
  const std::string bytes("\xff\0{}", 4);
  const KeyRequest put = Decoded("PUT", "k", "w=2&timeout_ms=60000", WithBody(bytes));
  EXPECT_EQ(put.operation.kind, OperationKind::kSet);
  EXPECT_EQ(put.operation.value, bytes);
  EXPECT_EQ(put.operation.w, 2);
  EXPECT_EQ(put.timeout, absl::Seconds(60));
  EXPECT_EQ(put.operation.context, "");
  EXPECT_EQ(Decoded("PUT", "k", "").operation.value, "");

  const KeyRequest deletion = Decoded("DELETE", "k", "w=0");
  EXPECT_EQ(deletion.operation.kind, OperationKind::kDelete);
  EXPECT_EQ(deletion.operation.w, 0);
}

TEST(RawRequestTest, ContextsComeInAHeader) {
  for (const absl::string_view method : {"PUT", "DELETE"}) {
    EXPECT_EQ(Decoded(method, "k", "", WithHeader("quorate-CONTEXT", "AQID")).operation.context,
              "\x01\x02\x03");
    EXPECT_EQ(Decoded(method, "k", "", WithHeader("Quorate-Context", "")).operation.context, "");
    ExpectRefused(kInvalid, "Quorate-Context", method, "k", "", WithHeader("Quorate-Context", "*"));
    HttpRequest twice = WithHeader("Quorate-Context", "AQID");
    twice.headers.emplace_back("Quorate-Context", "AQID");
    ExpectRefused(kInvalid, "twice", method, "k", "", twice);
  }
}

TEST(RawRequestTest, KeysMayBeAnyBytes) {
  EXPECT_EQ(Decoded("GET", "a/b%2Fc", "").operation.key, "a/b/c");
  EXPECT_EQ(Decoded("GET", "a+b", "").operation.key, "a+b");
  EXPECT_EQ(Decoded("GET", "%252F", "").operation.key, "%2F");
  EXPECT_EQ(Decoded("PUT", "%ff%00", "").operation.key, std::string("\xff\0", 2));
  EXPECT_EQ(Decoded("DELETE", "", "key_b64=/wA").operation.key, std::string("\xff\0", 2));
  ExpectRefused(kInvalid, "the key is empty", "GET", "", "");
  ExpectRefused(kInvalid, "the key is empty", "PUT", "", "key_b64=");
  ExpectRefused(kInvalid, "'%'", "GET", "%f", "");
  ExpectRefused(kInvalid, "'key_b64'", "GET", "", "key_b64=?");
  ExpectRefused(kInvalid, "not both", "GET", "k", "key_b64=aw");
}

TEST(RawRequestTest, RefusesParametersThatItDoesNotKnow) {
  ExpectRefused(kInvalid, "'W'; known here: key_b64, w", "PUT", "k", "W=3");
  ExpectRefused(kInvalid, "'r'", "DELETE", "k", "r=3");
  ExpectRefused(kInvalid, "'w'", "GET", "k", "w=3");
  ExpectRefused(kInvalid, "''", "GET", "k", "=3");
  ExpectRefused(kInvalid, "twice", "GET", "k", "r=3&r=3");
  ExpectRefused(kInvalid, "'%'", "GET", "k", "r=%");
}

TEST(RawRequestTest, RefusesParametersOfTheWrongType) {
  for (const absl::string_view value : {"", "x", "1.5", "99999999999", "0x1", "1 2"}) {
    ExpectRefused(kInvalid, "'r'", "GET", "k", std::string("r=") + std::string(value));
    ExpectRefused(kInvalid, "'w'", "PUT", "k", std::string("w=") + std::string(value));
    ExpectRefused(kInvalid, "'timeout_ms'", "PUT", "k",
                  std::string("timeout_ms=") + std::string(value));
  }
  for (const absl::string_view value : {"0", "-1", "60001"}) {
    ExpectRefused(kInvalid, "'timeout_ms'", "GET", "k",
                  std::string("timeout_ms=") + std::string(value));
  }
  ExpectRefused(kInvalid, "'siblings'", "GET", "k", "siblings=perhaps");
}

TEST(RawRequestTest, TellsWhichConsistenciesThereAre) {
  EXPECT_TRUE(Decoded("GET", "k", "consistency=linearizable").operation.linearizable);
  EXPECT_FALSE(Decoded("GET", "k", "consistency=quorum").operation.linearizable);
  for (const absl::string_view value : {"bounded", "at_least", "causal"}) {
    ExpectRefused(kUnimplemented, std::string(value), "GET", "k",
                  std::string("consistency=") + std::string(value));
  }
  ExpectRefused(kInvalid, "quorum, linearizable or local", "GET", "k", "consistency=strong");
  ExpectRefused(kInvalid, "quorum, linearizable or local", "GET", "k", "consistency=");
  ExpectRefused(kInvalid, "'r' goes with", "GET", "k", "consistency=local&r=1");
  ExpectRefused(kInvalid, "'r' goes with", "GET", "k", "consistency=linearizable&r=1");
}

TEST(RawRequestTest, RefusesHeadersThatWouldChangeWhatAWriteMeans) {
  for (const absl::string_view name : {"If-Match", "if-none-match", "If-Unmodified-Since"}) {
    ExpectRefused(kUnimplemented, "nothing was written", "PUT", "k", "", WithHeader(name, "x"));
    ExpectRefused(kUnimplemented, "nothing was written", "DELETE", "k", "", WithHeader(name, "x"));
    Decoded("GET", "k", "", WithHeader(name, "x"));
  }
  ExpectRefused(kInvalid, "as a whole", "PUT", "k", "", WithHeader("Content-Range", "bytes 0-1/2"));
  ExpectRefused(kInvalid, "no body", "DELETE", "k", "", WithBody("{}"));
}

}  // namespace
}  // namespace quorate
