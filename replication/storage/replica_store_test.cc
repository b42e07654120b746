#include "replication/storage/replica_store.h"

#include "gtest/gtest.h"

#include "replication/storage/memory_engine.h"

namespace quorate {
namespace {

Record At(uint64_t number, const std::string& value) {
  return Record::Sequenced(1, number, false, value);
}

std::string ValueOf(ReplicaStore* store, const std::string& key) {
  const absl::StatusOr<std::optional<Record>> record = store->Get(key);
  return record.ok() && record->has_value() ? (*record)->siblings.at(0).value : "(none)";
}

TEST(ReplicaStoreTest, ReadsSeeWhatIsNotYetCommitted) {
  MemoryEngine engine;
  ReplicaStore store(&engine, StoredState());
  ASSERT_TRUE(store.Merge("k", At(1, "a")).ok());
  EXPECT_EQ(ValueOf(&store, "k"), "a");
  EXPECT_FALSE(engine.Get("k")->has_value());
  EXPECT_GT(store.pending_bytes(), 0u);
  ASSERT_TRUE(store.Commit().ok());
  EXPECT_TRUE(engine.Get("k")->has_value());
  EXPECT_EQ(store.pending_bytes(), 0u);
  EXPECT_EQ(ValueOf(&store, "k"), "a");
}

TEST(ReplicaStoreTest, NeverGoesBack) {
  MemoryEngine engine;
  ReplicaStore store(&engine, StoredState());
  ASSERT_TRUE(store.Merge("k", At(5, "new")).ok());
  ASSERT_TRUE(store.Commit().ok());
  const absl::StatusOr<MergeOutcome> old = store.Merge("k", At(4, "old"));
  ASSERT_TRUE(old.ok());
  EXPECT_FALSE(old->changed);
  EXPECT_EQ((*store.Get("k"))->siblings.at(0).value, "new");
  EXPECT_FALSE(store.Merge("k", At(5, "new"))->changed);
  const uint64_t batches = store.applied_batches();
  ASSERT_TRUE(store.Commit().ok());
  EXPECT_EQ(store.applied_batches(), batches);
}

TEST(ReplicaStoreTest, HandsOutAChangedRecordAsItIsStored) {
  MemoryEngine engine;
  ReplicaStore store(&engine, StoredState());
  const absl::StatusOr<MergeOutcome> merged = store.Merge("k", At(2, "b"));
  ASSERT_TRUE(merged.ok());
  EXPECT_TRUE(merged->changed);
  EXPECT_FALSE(merged->conflicting);
  const std::string handed(merged->encoded);
  ASSERT_TRUE(store.Commit().ok());
  EXPECT_EQ(handed, **engine.Get("k"));
  EXPECT_TRUE(store.Merge("k", At(1, "a"))->encoded.empty()) << "nothing has changed";
}

TEST(ReplicaStoreTest, TellsWhetherValuesStandBesideOneAnother) {
  const auto written_at = [](NodeId node, const std::string& value) {
    Record record;
    record.Put(Version(), Sibling{Dot{{node, 1}, 1}, 1, false, value});
    return record;
  };
  MemoryEngine engine;
  ReplicaStore store(&engine, StoredState());
  EXPECT_FALSE(store.Merge("k", written_at(1, "left"))->conflicting);
  const absl::StatusOr<MergeOutcome> merged = store.Merge("k", written_at(2, "right"));
  ASSERT_TRUE(merged.ok());
  EXPECT_TRUE(merged->conflicting);
  const std::string handed(merged->encoded);
  ASSERT_TRUE(store.Commit().ok());
  EXPECT_EQ(handed, **engine.Get("k")) << "both values";
}

TEST(ReplicaStoreTest, RefusesTheOtherKindOfVersion) {
  MemoryEngine engine;
  ReplicaStore store(&engine, StoredState());
  ASSERT_TRUE(store.Merge("k", At(1, "a")).ok());
  Record dotted;
  dotted.Put(Version(), Sibling{Dot{{1, 1}, 1}, 1, false, "b"});
  EXPECT_EQ(store.Merge("k", dotted).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ValueOf(&store, "k"), "a");
}

TEST(ReplicaStoreTest, ScansInPages) {
  MemoryEngine engine;
  ReplicaStore store(&engine, StoredState());
  for (int i = 0; i < 25; ++i) {
    ASSERT_TRUE(store.Merge("key" + std::to_string(100 + i), At(1 + i, "v")).ok());
  }
  std::optional<std::string> after;
  int records = 0;
  int pages = 0;
  for (bool done = false; !done; ++pages) {
    const absl::StatusOr<RecordPage> page = store.Scan(after, ScanLimits{10, 1 << 20});
    ASSERT_TRUE(page.ok());
    for (const ScannedRecord& record : page->records) {
      EXPECT_TRUE(!after.has_value() || record.key > *after);
      EXPECT_EQ(record.encoded, **engine.Get(record.key));
      EXPECT_EQ(record.version.Compare(Record::Decode(record.encoded)->version),
                VersionOrder::kEqual);
      after = record.key;
      ++records;
    }
    done = page->done;
  }
  EXPECT_EQ(records, 25);
  EXPECT_EQ(pages, 3);
}

TEST(ReplicaStoreTest, SaysWhereTheEngineIsDamaged) {
  MemoryEngine engine;
  ASSERT_TRUE(engine.Apply({{"k", "no record"}}).ok());
  ReplicaStore store(&engine, StoredState());
  EXPECT_EQ(store.Get("k").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store.Merge("k", At(1, "a")).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store.Scan(std::nullopt, ScanLimits()).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace quorate
