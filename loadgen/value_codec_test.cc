#include "loadgen/value_codec.h"

#include <cctype>
#include <cstdint>
#include <limits>
#include <random>
#include <set>
#include <string>

#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

constexpr uint64_t kGreatest = std::numeric_limits<uint64_t>::max();

TEST(ValueCodecTest, TellsWhoWroteIt) {
  for (const size_t bytes : {0, 64, 100, 5000}) {
    for (const ValueId& id : {ValueId{0, 0, 0}, ValueId{42, 3, 500}, ValueId{7, kGreatest, 1}}) {
      const CheckedValue checked = CheckValue(EncodeValue(id, bytes), id.key);
      EXPECT_EQ(checked.verdict, ValueVerdict::kRight);
      EXPECT_EQ(checked.id, id);
    }
  }
}

TEST(ValueCodecTest, SizeIsExactWhereThereIsRoom) {
  for (size_t bytes = kValueBytesExact; bytes < 300; ++bytes) {
    EXPECT_EQ(EncodeValue({1, 2, 3}, bytes).size(), bytes);
    EXPECT_EQ(EncodeValue({kGreatest, 99, kGreatest >> 8}, bytes).size(), bytes);
  }
  EXPECT_EQ(EncodeValue({1, 2, 3}, 1'000'000).size(), 1'000'000u);
  EXPECT_EQ(EncodeValue({42, 3, 500}, 0), "q1:2a:3:1f4:" + EncodeValue({42, 3, 500}, 0).substr(12));
  EXPECT_EQ(EncodeValue({42, 3, 500}, 0).size(), 21u);
}

TEST(ValueCodecTest, IsPrintableAndNeedsNoEscape) {
  for (uint64_t sequence = 0; sequence < 50; ++sequence) {
    for (const char character : EncodeValue({1, 2, sequence}, 500)) {
      EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(character)) || character == ':' ||
                  character == '-' || character == '_');
    }
  }
}

TEST(ValueCodecTest, EveryWriteHasItsOwnValue) {
  std::set<std::string> seen;
  for (uint64_t key = 0; key < 10; ++key) {
    for (uint64_t writer = 0; writer < 10; ++writer) {
      for (uint64_t sequence = 0; sequence < 10; ++sequence) {
        const std::string value = EncodeValue({key, writer, sequence}, 120);
        EXPECT_TRUE(seen.insert(value.substr(40)).second);  // by filler alone
        EXPECT_EQ(value, EncodeValue({key, writer, sequence}, 120));
      }
    }
  }
}

TEST(ValueCodecTest, ValueOfAnotherKeyIsKnownAsSuch) {
  const CheckedValue checked = CheckValue(EncodeValue({5, 6, 7}, 100), 4);
  EXPECT_EQ(checked.verdict, ValueVerdict::kOfAnotherKey);
  EXPECT_EQ(checked.id, (ValueId{5, 6, 7}));
}

TEST(ValueCodecTest, EveryChangedByteIsCorruption) {
  const std::string value = EncodeValue({42, 3, 500}, 100);
  for (size_t i = 0; i < value.size(); ++i) {
    for (int change = 1; change < 256; ++change) {
      std::string damaged = value;
      damaged[i] = static_cast<char>(damaged[i] ^ change);
      const CheckedValue checked = CheckValue(damaged, 42);
      ASSERT_EQ(checked.verdict, ValueVerdict::kCorrupt) << damaged;
      ASSERT_EQ(checked.id, ValueId());
    }
  }
}

TEST(ValueCodecTest, CutAndLengthenedValuesAreCorrupt) {
  const std::string value = EncodeValue({42, 3, 500}, 100);
  for (size_t length = 0; length < value.size(); ++length) {
    EXPECT_EQ(CheckValue(value.substr(0, length), 42).verdict, ValueVerdict::kCorrupt) << length;
    EXPECT_EQ(CheckValue(value.substr(length + 1), 42).verdict, ValueVerdict::kCorrupt) << length;
  }
  EXPECT_EQ(CheckValue(value + "A", 42).verdict, ValueVerdict::kCorrupt);
  EXPECT_EQ(CheckValue(value + value, 42).verdict, ValueVerdict::kCorrupt);
  EXPECT_EQ(CheckValue(value + std::string(1, '\0'), 42).verdict, ValueVerdict::kCorrupt);
}

// Half of one value and half of another, as a torn write would leave.
TEST(ValueCodecTest, MixedValuesAreCorrupt) {
  const std::string one = EncodeValue({42, 3, 500}, 200);
  const std::string other = EncodeValue({42, 3, 501}, 200);
  for (size_t length = 15; length < 200; ++length) {
    EXPECT_EQ(CheckValue(one.substr(0, length) + other.substr(length), 42).verdict,
              ValueVerdict::kCorrupt);
  }
}

TEST(ValueCodecTest, ForeignTextIsCorrupt) {
  for (const char* text :
       {"", "hello", "q1:", "q1::::", "q1:1:2:3:", "q1:1:2:3:00000000", "q1:1:2:3:00000000:",
        "q1:g:2:3:00000000:", "q1:11111111111111111:2:3:00000000:", "q2:2a:3:1f4:00000000:"}) {
    EXPECT_EQ(CheckValue(text, 1).verdict, ValueVerdict::kCorrupt) << text;
  }
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string text = "q1:";
    for (size_t length = random() % 60; length > 0; --length) {
      text += "0123456789abcdef:::::::"[random() % 23];
    }
    EXPECT_EQ(CheckValue(text, 1).verdict, ValueVerdict::kCorrupt) << text;
  }
}

}  // namespace
}  // namespace quorate::loadgen
