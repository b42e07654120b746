#include "node/json_fields.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<JsonFields> Read(absl::string_view text) {
  const std::vector<absl::string_view> wanted = {"key", "value", "w"};
  return ReadJsonObject(text, wanted);
}

void ExpectRefused(absl::string_view text, const std::string& why) {
  const absl::StatusOr<JsonFields> fields = Read(text);
  EXPECT_EQ(fields.status().code(), absl::StatusCode::kInvalidArgument) << text;
  EXPECT_THAT(std::string(fields.status().message()), HasSubstr(why)) << text;
}

std::string Nested(int levels) {
  return "{\"x\":" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}";
}

TEST(JsonFieldsTest, ReadsStringsAndIntegers) {
  const auto fields = Read(R"( {"key":"k\u00e9\u0000", "value":"", "w":-3} )");
  ASSERT_TRUE(fields.ok()) << fields.status();
  ASSERT_EQ(fields->size(), 3u);
  EXPECT_EQ(std::get<std::string>(fields->at("key")), std::string("k\xc3\xa9\0", 4));
  EXPECT_EQ(std::get<std::string>(fields->at("value")), "");
  EXPECT_EQ(std::get<int64_t>(fields->at("w")), -3);
}

TEST(JsonFieldsTest, SkipsWhatWasNotAskedFor) {
  const auto fields =
      Read(R"({"other":{"key":1,"key":2},"more":[1,{"w":2}],"key":"k","x":1,"x":2})");
  ASSERT_TRUE(fields.ok()) << fields.status();
  ASSERT_EQ(fields->size(), 1u);
  EXPECT_EQ(std::get<std::string>(fields->at("key")), "k");
}

TEST(JsonFieldsTest, KeepsTheNameOfOtherTypes) {
  const auto type_of = [](const std::string& value) {
    const auto fields = Read("{\"key\":" + value + "}");
    return fields.ok() ? std::string(std::get<OtherJsonValue>(fields->at("key")).type)
                       : fields.status().ToString();
  };
  EXPECT_EQ(type_of("null"), "null");
  EXPECT_EQ(type_of("true"), "a boolean");
  EXPECT_EQ(type_of("[1]"), "an array");
  EXPECT_EQ(type_of("{\"a\":1}"), "an object");
  EXPECT_THAT(type_of("1.5"), HasSubstr("a fraction"));
  EXPECT_THAT(type_of("1e3"), HasSubstr("a fraction"));
  EXPECT_THAT(type_of("18446744073709551615"), HasSubstr("out of range"));
  EXPECT_THAT(type_of("99999999999999999999999"), HasSubstr("out of range"));
}

TEST(JsonFieldsTest, RefusesWhatIsNotJson) {
  for (const absl::string_view text : {"",
                                       " ",
                                       "{",
                                       "}",
                                       "{\"key\"}",
                                       "{\"key\":}",
                                       "{\"key\":\"a\",}",
                                       "{'key':'a'}",
                                       "{key:1}",
                                       "{\"key\":\"a\"} x",
                                       "{\"key\":\"a\"}{}",
                                       "{\"key\":\"\n\"}",
                                       "{\"key\":\"\\x\"}",
                                       "{\"key\":\"\\ud800\"}",
                                       "{\"key\":01}",
                                       "{\"key\":NaN}",
                                       "{} // comment",
                                       "{\"w\":1e999}",
                                       "nul",
                                       "[1"}) {
    EXPECT_EQ(Read(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  ExpectRefused("{\"key\":\"a\"", "not valid JSON near byte");
}

TEST(JsonFieldsTest, RefusesWhatIsNoObject) {
  for (const absl::string_view text : {"[]", "1", "\"a\"", "null", "true", "[{\"key\":\"a\"}]"}) {
    ExpectRefused(text, "must be a JSON object");
  }
}

TEST(JsonFieldsTest, RefusesInvalidUtf8) {
  ExpectRefused("{\"key\":\"\xff\"}", "not valid UTF-8 at byte 8");
  ExpectRefused("{\"\xc0\x80\":1}", "not valid UTF-8");
}

TEST(JsonFieldsTest, RefusesRepeatedFields) {
  ExpectRefused(R"({"key":"a","key":"a"})", "'key' twice");
  ExpectRefused(R"({"key":[],"key":{}})", "'key' twice");
}

TEST(JsonFieldsTest, BoundsTheDepth) {
  EXPECT_TRUE(Read(Nested(kMaxJsonDepth)).ok());
  ExpectRefused(Nested(kMaxJsonDepth + 1), "nested more than");
  ExpectRefused(Nested(1 << 20), "nested more than");
}

}  // namespace
}  // namespace quorate
