#include "node/text_encoding.h"

#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

using ::testing::Optional;

TEST(Utf8Test, AcceptsEveryLengthOfCharacter) {
  for (const absl::string_view text :
       {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsValidUtf8(text)) << absl::CHexEscape(text);
  }
  EXPECT_TRUE(IsValidUtf8(absl::string_view("\0", 1)));
}

TEST(Utf8Test, RefusesWhatIsNoCharacter) {
  for (const absl::string_view text :
       {"\x80", "\xbf", "\xff", "\xfe", "\xc0\x80", "\xc1\xbf",  // overlong
        "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",                      // overlong
        "\xed\xa0\x80", "\xed\xbf\xbf",                          // surrogates
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",                  // beyond U+10FFFF
        "\xc2", "\xe1\x80", "\xf1\x80\x80", "\xe1\x80\x41", "\xf1\x80\x41\x80", "\xc2\x41"}) {
    EXPECT_FALSE(IsValidUtf8(text)) << absl::CHexEscape(text);
  }
}

TEST(Utf8Test, TellsWhereTheValidPartEnds) {
  EXPECT_EQ(ValidUtf8Prefix("ab\xc3\xa9\xff"), 4u);
  EXPECT_EQ(ValidUtf8Prefix("ab\xc3"), 2u);
  // Plain bytes are looked at several at a time: the end is found wherever it is.
  for (size_t before = 0; before < 20; ++before) {
    const std::string plain(before, 'a');
    EXPECT_EQ(ValidUtf8Prefix(plain + "\xff" + std::string(20, 'b')), before);
    const std::string text = plain + "\xe2\x82\xac" + std::string(20, 'b');
    EXPECT_EQ(ValidUtf8Prefix(text), text.size());
    EXPECT_EQ(ValidUtf8Prefix(text.substr(0, before + 2)), before);
  }
}

TEST(PercentDecodeTest, DecodesOnce) {
  EXPECT_THAT(PercentDecode("plain/a+b"), Optional(std::string("plain/a+b")));
  EXPECT_THAT(PercentDecode("%41%6a%4A%2F"), Optional(std::string("AjJ/")));
  EXPECT_THAT(PercentDecode("%2541"), Optional(std::string("%41")));
  EXPECT_THAT(PercentDecode("%00"), Optional(std::string(1, '\0')));
  EXPECT_THAT(PercentDecode(""), Optional(std::string()));
}

TEST(PercentDecodeTest, RefusesBrokenEscapes) {
  for (const absl::string_view text :
       {"%", "%4", "a%", "a%4", "%zz", "%4g", "%g4", "%%41", "%-1"}) {
    EXPECT_EQ(PercentDecode(text), std::nullopt) << text;
  }
}

TEST(Base64Test, TakesBothAlphabetsWithAndWithoutPadding) {
  const std::string bytes = "\xfb\xff\xfe?";
  EXPECT_THAT(DecodeBase64("+//+Pw=="), Optional(bytes));
  EXPECT_THAT(DecodeBase64("+//+Pw"), Optional(bytes));
  EXPECT_THAT(DecodeBase64("-__-Pw=="), Optional(bytes));
  EXPECT_THAT(DecodeBase64("-__-Pw"), Optional(bytes));
  EXPECT_THAT(DecodeBase64(""), Optional(std::string()));
}

TEST(Base64Test, RefusesWhatIsNeither) {
  for (const absl::string_view text :
       {"Q", "QUI=x", "QU=I", "QQ=", "QQ===", "Q Q=", "QQ..", "Q\nQ=", "+_8=", "QU%3D", "="}) {
    EXPECT_EQ(DecodeBase64(text), std::nullopt) << text;
  }
}

TEST(Base64Test, ReadsWhatTheLibraryWrites) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes.push_back(static_cast<char>(i));
    EXPECT_THAT(DecodeBase64(absl::Base64Escape(bytes)), Optional(bytes));
    EXPECT_THAT(DecodeBase64(absl::WebSafeBase64Escape(bytes)), Optional(bytes));
  }
}

}  // namespace
}  // namespace quorate
