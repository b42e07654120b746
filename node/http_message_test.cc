#include "node/http_message.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/buffer.hpp"
#include "boost/system/error_code.hpp"
#include "gtest/gtest.h"

#include "node/http_options.h"
#include "node/rest_response.h"

namespace quorate {
namespace {

// Whether the refusal of a request of which `pieces` have arrived, one after the other, speaks of
// earlier tries; the HTTP status of the refusal goes into `status`, 0 where there is none.
bool SpeaksOfEarlierTries(const std::vector<std::string>& pieces, int* status) {
  HttpOptions options;
  options.max_header_bytes = 200;
  HttpParser parser;
  SetLimits(options, &parser);
  parser.eager(true);
  std::string rest;
  boost::system::error_code error;
  for (const std::string& piece : pieces) {
    rest += piece;
    const size_t taken = parser.put(boost::asio::buffer(rest), error);
    rest.erase(0, taken);
  }
  const std::optional<HttpAnswer> refusal = RefusalOf(error, options, ViewOfPart(parser, rest));
  *status = refusal.has_value() ? refusal->status : 0;
  return refusal.has_value() && absl::StrContains(refusal->body, "\"may_have_applied\":true");
}

constexpr char kPut[] = "PUT /v1/kv/k HTTP/1.1\r\n";
constexpr char kRepeat[] = "quorate-repeat: true\r\n";

TEST(ViewOfPartTest, FindsARepeatInAHeaderThatCannotBeRead) {
  int status = 0;
  for (const std::string& before : {std::string(), std::string(kRepeat)}) {
    for (const std::string& after : {std::string(), std::string(kRepeat)}) {
      const bool repeat = !before.empty() || !after.empty();
      const std::string request = absl::StrCat(kPut, before, "bad header\r\n", after, "\r\n");
      EXPECT_EQ(SpeaksOfEarlierTries({request}, &status), repeat) << request;
      EXPECT_EQ(status, 400) << request;
    }
  }
  EXPECT_TRUE(SpeaksOfEarlierTries({"PUT /v1/kv/k HTTP/9.9\r\nQuorate-Repeat :\ttrue"}, &status));
  EXPECT_EQ(status, 400);
}

// The parser takes nothing of a header that comes in pieces until it has its end.
TEST(ViewOfPartTest, FindsARepeatInAHeaderThatIsTooLong) {
  int status = 0;
  const std::string long_field = absl::StrCat("Long: ", std::string(300, 'x'));
  EXPECT_TRUE(SpeaksOfEarlierTries(
      {"PUT /v1", absl::StrCat("/kv/k HTTP/1.1\r\n", kRepeat, long_field)}, &status));
  EXPECT_EQ(status, 431);
  EXPECT_FALSE(
      SpeaksOfEarlierTries({"PUT /v1", absl::StrCat("/kv/k HTTP/1.1\r\n", long_field)}, &status));
  EXPECT_EQ(status, 431);
}

TEST(ViewOfPartTest, TakesNoBodyForAHeader) {
  int status = 0;
  for (const std::string& header : {std::string("bad header\r\n\r\n"),
                                    std::string("Transfer-Encoding: chunked\r\n\r\nzz\r\n")}) {
    const std::string request = absl::StrCat(kPut, header, kRepeat, "\r\n");
    EXPECT_FALSE(SpeaksOfEarlierTries({request}, &status)) << request;
    EXPECT_EQ(status, 400) << request;
  }
}

TEST(ViewOfPartTest, AReadIsNoRepeat) {
  int status = 0;
  EXPECT_FALSE(SpeaksOfEarlierTries(
      {absl::StrCat("GET /get/k HTTP/1.1\r\nbad header\r\n", kRepeat)}, &status));
  EXPECT_EQ(status, 400);
}

}  // namespace
}  // namespace quorate
