#include "replication/storage/record.h"

#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

// Replicas of one key that write and exchange whole records, in every order.
class ReplicaModel {
 public:
  explicit ReplicaModel(int nodes) : records_(nodes) {}

  void Put(int node, const Version& context, const std::string& value, uint64_t clock) {
    const Actor actor{static_cast<NodeId>(node + 1), 1};
    Record& record = records_[node];
    record.Put(context,
               Sibling{Dot{actor, record.version.CounterOf(actor) + 1}, clock, false, value});
  }

  Record& at(int node) { return records_[node]; }

 private:
  std::vector<Record> records_;
};

std::vector<std::string> Values(const Record& record) {
  std::vector<std::string> values;
  for (const Sibling& sibling : record.siblings) values.push_back(sibling.value);
  return values;
}

TEST(RecordTest, SequencedMergeKeepsTheLater) {
  Record record = Record::Sequenced(1, 5, false, "new");
  EXPECT_FALSE(record.Merge(Record::Sequenced(1, 4, false, "old")));
  EXPECT_THAT(Values(record), testing::ElementsAre("new"));
  EXPECT_TRUE(record.Merge(Record::Sequenced(2, 1, true, "")));
  EXPECT_TRUE(record.Winner()->tombstone);
  EXPECT_FALSE(record.Merge(record));
}

TEST(RecordTest, WriteWithContextReplacesOnlyWhatItSaw) {
  // Two clients read the same state and write through the same node (doc/semantics.md 31).
  ReplicaModel replicas(1);
  replicas.Put(0, Version(), "start", 1);
  const Version seen = replicas.at(0).version;
  replicas.Put(0, seen, "first", 2);
  replicas.Put(0, seen, "second", 3);
  EXPECT_THAT(Values(replicas.at(0)), testing::UnorderedElementsAre("first", "second"));
  replicas.Put(0, replicas.at(0).version, "settled", 4);
  EXPECT_THAT(Values(replicas.at(0)), testing::ElementsAre("settled"));
}

TEST(RecordTest, ConcurrentWritesStandSideBySide) {
  ReplicaModel replicas(2);
  replicas.Put(0, Version(), "left", 1);
  replicas.Put(1, Version(), "right", 2);
  EXPECT_TRUE(replicas.at(0).Merge(replicas.at(1)));
  EXPECT_THAT(Values(replicas.at(0)), testing::UnorderedElementsAre("left", "right"));
  EXPECT_EQ(replicas.at(0).Winner()->value, "right");
}

TEST(RecordTest, SettledSiblingDoesNotComeBack) {
  ReplicaModel replicas(2);
  replicas.Put(0, Version(), "left", 1);
  replicas.Put(1, Version(), "right", 2);
  const Record late = replicas.at(1);
  replicas.at(0).Merge(late);
  replicas.Put(0, replicas.at(0).version, "settled", 3);
  EXPECT_FALSE(replicas.at(0).Merge(late));
  EXPECT_THAT(Values(replicas.at(0)), testing::ElementsAre("settled"));
}

TEST(RecordTest, DeleteWinsAtAnEqualClock) {
  Record record;
  record.Put(Version(), Sibling{Dot{{9, 1}, 1}, 5, false, "value"});
  record.Put(Version(), Sibling{Dot{{1, 1}, 1}, 5, true, ""});
  EXPECT_TRUE(record.Winner()->tombstone);
}

TEST(RecordTest, MergeIsCommutativeAssociativeIdempotent) {
  std::mt19937 rng(7);
  for (int round = 0; round < 2000; ++round) {
    ReplicaModel replicas(3);
    for (int step = 0; step < 12; ++step) {
      const int node = static_cast<int>(rng() % 3);
      if (rng() % 2) {
        const int seen_at = static_cast<int>(rng() % 3);
        // A context is what some replica knew; it may lag behind or run ahead of the coordinator.
        const Version context = rng() % 3 ? replicas.at(seen_at).version : Version();
        replicas.Put(node, context, std::to_string(round * 100 + step), rng() % 5);
      } else {
        replicas.at(node).Merge(replicas.at(static_cast<int>(rng() % 3)));
      }
    }
    const auto merged = [&](int a, int b) {
      Record record = replicas.at(a);
      record.Merge(replicas.at(b));
      return record;
    };
    Record ab_c = merged(0, 1);
    ab_c.Merge(replicas.at(2));
    Record a_bc = replicas.at(0);
    a_bc.Merge(merged(1, 2));
    EXPECT_EQ(merged(0, 1).Encode(), merged(1, 0).Encode());
    EXPECT_EQ(ab_c.Encode(), a_bc.Encode());
    EXPECT_FALSE(ab_c.Merge(replicas.at(1)));
    EXPECT_TRUE(ab_c.version.Descends(replicas.at(0).version));
    ASSERT_FALSE(HasFailure()) << "round " << round;
  }
}

TEST(RecordTest, SurvivesEncoding) {
  ReplicaModel replicas(2);
  replicas.Put(0, Version(), std::string("\0\xff binary", 9), 1);
  replicas.Put(1, Version(), "", 2);
  replicas.at(0).Merge(replicas.at(1));
  for (const Record& record : {replicas.at(0), Record::Sequenced(4, 2, true, "")}) {
    const absl::StatusOr<Record> back = Record::Decode(record.Encode());
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->version, record.version);
    EXPECT_EQ(Values(*back), Values(record));
    EXPECT_EQ(back->Encode(), record.Encode());
  }
}

TEST(RecordTest, RefusesDamagedInput) {
  EXPECT_FALSE(Record::Decode("\xff\xff\xff").ok());
  EXPECT_FALSE(Record::Decode("").ok());
  Record uncovered;
  uncovered.version.Add(Dot{{1, 1}, 1});
  uncovered.siblings.push_back(Sibling{Dot{{2, 1}, 1}, 1, false, "x"});
  EXPECT_FALSE(Record::Decode(uncovered.Encode()).ok());
  Record future = uncovered;
  future.siblings[0] = Sibling{Dot{{1, 1}, 1}, uint64_t{1} << 60, false, "x"};
  EXPECT_FALSE(Record::Decode(future.Encode()).ok());
  Record empty;
  empty.version = Version::Sequenced(1, 1);
  EXPECT_FALSE(Record::Decode(empty.Encode()).ok());
}

TEST(StableHashTest, IsTheSameEverywhere) {
  EXPECT_EQ(StableHash(""), 0xcbf29ce484222325u);
  EXPECT_EQ(StableHash("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(StableHash("bc", StableHash("a")), StableHash("abc"));
}

TEST(RecordTest, VersionIsDecodedAlone) {
  Record dotted;
  dotted.Put(Version(), Sibling{Dot{{1, 7}, 3}, 5, false, std::string(1000, 'x')});
  dotted.Put(Version(), Sibling{Dot{{2, 7}, 1}, 6, false, "y"});
  for (const Record& record : {Record::Sequenced(3, 300, false, "value"), dotted}) {
    const std::string bytes = record.Encode();
    const absl::StatusOr<Version> version = Record::DecodeVersion(bytes);
    ASSERT_TRUE(version.ok()) << version.status();
    EXPECT_EQ(version->Compare(record.version), VersionOrder::kEqual);
    // Cut off anywhere within the version, it is damaged.
    for (size_t size = 0; size < bytes.size() && size < 6; ++size) {
      EXPECT_FALSE(Record::DecodeVersion(bytes.substr(0, size)).ok()) << size;
    }
  }
  EXPECT_FALSE(Record::DecodeVersion("no record").ok());
  EXPECT_FALSE(Record::DecodeVersion("\x0a\xff\xff\xff\xff\x7f").ok()) << "longer than all of it";
}

}  // namespace
}  // namespace quorate
