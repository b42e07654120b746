#include "replication/storage/version.h"

#include <random>

#include "gtest/gtest.h"

namespace quorate {
namespace {

Version Dotted(std::initializer_list<Dot> dots) {
  Version version;
  for (const Dot& dot : dots) version.Add(dot);
  return version;
}

Dot D(NodeId node, uint64_t counter) { return Dot{{node, 7}, counter}; }

TEST(VersionTest, SequencedOrdersByEpochThenNumber) {
  const Version a = Version::Sequenced(1, 9);
  const Version b = Version::Sequenced(2, 3);
  EXPECT_EQ(a.Compare(b), VersionOrder::kBefore);
  EXPECT_EQ(b.Compare(a), VersionOrder::kAfter);
  EXPECT_EQ(a.Compare(a), VersionOrder::kEqual);
  EXPECT_EQ(a.Compare(Version::Sequenced(1, 10)), VersionOrder::kBefore);
  EXPECT_EQ(a.Number(), 9u);
}

TEST(VersionTest, EmptyComesBeforeEverything) {
  const Version none;
  EXPECT_EQ(none.Compare(none), VersionOrder::kEqual);
  EXPECT_EQ(none.Compare(Version::Sequenced(1, 1)), VersionOrder::kBefore);
  EXPECT_EQ(Dotted({D(1, 1)}).Compare(none), VersionOrder::kAfter);
  EXPECT_TRUE(none.Descends(none));
  EXPECT_EQ(none.Number(), 0u);
}

TEST(VersionTest, VectorsCompareByCoverage) {
  const Version a = Dotted({D(1, 2), D(2, 1)});
  EXPECT_EQ(a.Compare(Dotted({D(1, 2)})), VersionOrder::kAfter);
  EXPECT_EQ(a.Compare(Dotted({D(1, 2), D(2, 2)})), VersionOrder::kBefore);
  EXPECT_EQ(a.Compare(Dotted({D(1, 3)})), VersionOrder::kConcurrent);
  EXPECT_EQ(a.Compare(Dotted({D(3, 1)})), VersionOrder::kConcurrent);
  EXPECT_EQ(a.Number(), 3u);
}

TEST(VersionTest, IncarnationsOfOneNodeAreDifferentActors) {
  const Version old_life = Dotted({Dot{{1, 5}, 3}});
  const Version new_life = Dotted({Dot{{1, 6}, 1}});
  EXPECT_EQ(old_life.Compare(new_life), VersionOrder::kConcurrent);
  EXPECT_FALSE(old_life.Contains(Dot{{1, 6}, 1}));
}

TEST(VersionTest, JoinIsTheLeastUpperBound) {
  std::mt19937 rng(1);
  for (int i = 0; i < 1000; ++i) {
    Version a, b;
    for (NodeId node = 1; node <= 4; ++node) {
      if (rng() % 2) a.Add(D(node, 1 + rng() % 3));
      if (rng() % 2) b.Add(D(node, 1 + rng() % 3));
    }
    Version ab = a, ba = b;
    ab.Join(b);
    ba.Join(a);
    EXPECT_EQ(ab, ba);
    EXPECT_TRUE(ab.Descends(a));
    EXPECT_TRUE(ab.Descends(b));
    if (a.Descends(b)) {
      EXPECT_EQ(ab, a);
    }
    EXPECT_GE(ab.Number(), std::max(a.Number(), b.Number()));
  }
}

TEST(VersionTest, SurvivesEncoding) {
  for (const Version& version :
       {Version(), Version::Sequenced(3, 9), Dotted({D(1, 4), D(9, 1), Dot{{1, 8}, 2}})}) {
    peer::v1::Version proto;
    version.ToProto(&proto);
    const absl::StatusOr<Version> back = Version::FromProto(proto);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, version);
  }
}

TEST(VersionTest, RefusesDamagedInput) {
  const auto refused = [](const peer::v1::Version& proto) {
    return Version::FromProto(proto).status().code() == absl::StatusCode::kInvalidArgument;
  };
  peer::v1::Version both;
  both.set_epoch(1);
  Dotted({D(1, 1)}).ToProto(&both);
  EXPECT_TRUE(refused(both));

  peer::v1::Version unsorted;
  Dotted({D(2, 1)}).ToProto(&unsorted);
  Dotted({D(1, 1)}).ToProto(&unsorted);
  EXPECT_TRUE(refused(unsorted));

  peer::v1::Version zero;
  zero.add_vector()->set_node(1);
  EXPECT_TRUE(refused(zero));

  peer::v1::Version far;
  far.set_epoch(1);
  far.set_number(Version::kMaxNumber);
  EXPECT_TRUE(refused(far));
  far.set_number(1);
  far.set_epoch(Version::kMaxEpoch);
  EXPECT_TRUE(refused(far));

  peer::v1::Version huge;
  huge.add_vector()->set_counter(Version::kMaxCounter);
  EXPECT_TRUE(refused(huge));

  peer::v1::Version many;
  for (int i = 0; i <= static_cast<int>(Version::kMaxEntries); ++i) {
    peer::v1::Dot* dot = many.add_vector();
    dot->set_node(static_cast<NodeId>(i + 1));
    dot->set_counter(1);
  }
  EXPECT_TRUE(refused(many));
}

}  // namespace
}  // namespace quorate
