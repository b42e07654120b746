#include "replication/cluster_config.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

TEST(ValidateQuorumsTest, NamesWhatIsWrong) {
  EXPECT_TRUE(ValidateQuorums({5, 3, 3}).ok());
  EXPECT_TRUE(ValidateQuorums({1, 1, 1}).ok());
  EXPECT_THAT(ValidateQuorums({5, 6, 1}).message(), testing::HasSubstr("W is 6"));
  EXPECT_THAT(ValidateQuorums({5, 0, 1}).message(), testing::HasSubstr("W is 0"));
  EXPECT_THAT(ValidateQuorums({5, 1, 9}).message(), testing::HasSubstr("R is 9"));
  EXPECT_THAT(ValidateQuorums({0, 1, 1}).message(), testing::HasSubstr("N is 0"));
}

TEST(ValidateTest, AFollowerMayNotKnowItsQuorumsYet) {
  ClusterConfig config;
  EXPECT_THAT(Validate(config).message(), testing::HasSubstr("id"));
  config.self = 1;
  EXPECT_TRUE(Validate(config).ok());
  config.quorums = {3, 4, 1};
  EXPECT_FALSE(Validate(config).ok());
}

TEST(ParseNodeNameTest, NumbersAreThemselvesAndTextIsHashed) {
  EXPECT_EQ(*ParseNodeName("1"), 1u);
  EXPECT_EQ(*ParseNodeName("2147483647"), 2147483647u);
  EXPECT_EQ(*ParseNodeName("node1"), *ParseNodeName("node1"));
  EXPECT_NE(*ParseNodeName("node1"), *ParseNodeName("node2"));
  EXPECT_GE(*ParseNodeName("node1"), uint32_t{1} << 31);
  for (const char* name : {"", "0", "2147483648", "99999999999999999999"}) {
    EXPECT_FALSE(ParseNodeName(name).ok()) << name;
  }
}

}  // namespace
}  // namespace quorate
