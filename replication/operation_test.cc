#include "replication/operation.h"

#include "gtest/gtest.h"

namespace quorate {
namespace {

Version Sample() {
  Version version;
  version.Add(Dot{{1, 99}, 4});
  version.Add(Dot{{3, 12}, 1});
  return version;
}

TEST(ContextTokenTest, ComesBack) {
  const absl::StatusOr<Version> version = ParseContextToken("key", ContextToken("key", Sample()));
  ASSERT_TRUE(version.ok()) << version.status();
  EXPECT_EQ(*version, Sample());
}

TEST(ContextTokenTest, EmptyMeansNothingSeen) {
  EXPECT_TRUE(ParseContextToken("key", "")->empty());
  EXPECT_TRUE(ParseContextToken("key", ContextToken("key", Version()))->empty());
}

TEST(ContextTokenTest, RefusesEveryChangedByteAndOtherKeys) {
  const std::string token = ContextToken("key", Sample());
  EXPECT_FALSE(ParseContextToken("other", token).ok());
  EXPECT_FALSE(ParseContextToken("key", "abc").ok());
  for (size_t i = 0; i < token.size(); ++i) {
    std::string damaged = token;
    damaged[i] ^= 1;
    EXPECT_FALSE(ParseContextToken("key", damaged).ok()) << "byte " << i;
    EXPECT_FALSE(ParseContextToken("key", token.substr(0, i == 0 ? 1 : i)).ok()) << "cut at " << i;
  }
}

TEST(WriteOrderTest, FollowsTheStrategy) {
  const WriteOrder sequenced = OrderOf(Record::Sequenced(3, 8, false, "v"));
  EXPECT_EQ(sequenced.major, 3u);
  EXPECT_EQ(sequenced.minor, 8u);
  Record dotted;
  dotted.Put(Version(), Sibling{Dot{{5, 1}, 1}, 70, false, "v"});
  EXPECT_EQ(OrderOf(dotted).major, 70u);
  EXPECT_EQ(OrderOf(dotted).minor, 5u);
  EXPECT_EQ(OrderOf(Record()).major, 0u);
}

TEST(WriteOrderTest, AgreesWithWhichOfConcurrentValuesWins) {
  std::vector<Sibling> all;
  for (const NodeId node : {1u, 2u, 0xffffffffu}) {
    for (const uint64_t clock : {70u, 71u}) {
      for (const char* value : {"", "v", "w"}) {
        const bool tombstone = *value == '\0';
        all.push_back(Sibling{Dot{{node, all.size() + 1}, 1}, clock, tombstone, value});
      }
    }
  }
  for (const Sibling& a : all) {
    for (const Sibling& b : all) {
      if (a.dot == b.dot) continue;
      Record record;
      record.Put(Version(), a);
      record.Put(Version(), b);
      ASSERT_TRUE(record.conflicting());
      const Sibling& greater = OrderOf(Version(), a) < OrderOf(Version(), b) ? b : a;
      EXPECT_EQ(record.Winner()->dot.actor.incarnation, greater.dot.actor.incarnation);
    }
  }
}

}  // namespace
}  // namespace quorate
