// What replication/storage/storage_engine.h promises, for every engine. A new engine adds an entry
// to the list at the end.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "replication/storage/memory_engine.h"
#include "replication/storage/rocksdb_engine.h"
#include "replication/storage/storage_engine.h"
#include "replication/storage/stored_state.h"
#include "tests/sim/sim_disk.h"
#include "tests/storage/faulty_file_system.h"
#include "tests/storage/temp_folder.h"

namespace quorate {
namespace {

// RocksDB in a folder of its own; over a disk that behaves, or over one that keeps only what is
// synced.
class RocksDbOnDisk : public StorageEngine {
 public:
  explicit RocksDbOnDisk(bool forgetful) {
    RocksDbOptions options;
    if (forgetful) options.file_system = std::make_shared<FaultyFileSystem>();
    absl::StatusOr<std::unique_ptr<RocksDbEngine>> engine =
        RocksDbEngine::Open(folder_.path() + "/data", options);
    CHECK(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
  }

  absl::StatusOr<std::optional<std::string>> Get(absl::string_view key) override {
    return engine_->Get(key);
  }
  absl::Status Apply(const WriteBatch& batch) override { return engine_->Apply(batch); }
  absl::StatusOr<ScanPage> Scan(const std::optional<std::string>& after,
                                const ScanLimits& limits) override {
    return engine_->Scan(after, limits);
  }
  absl::Status Sync() override { return engine_->Sync(); }

 private:
  const TempFolder folder_;
  std::unique_ptr<RocksDbEngine> engine_;
};

struct EngineCase {
  const char* name;
  std::function<std::unique_ptr<StorageEngine>()> make;
};

class StorageEngineContract : public testing::TestWithParam<EngineCase> {
 protected:
  std::optional<std::string> Get(const std::string& key) {
    const absl::StatusOr<std::optional<std::string>> value = engine_->Get(key);
    EXPECT_TRUE(value.ok()) << value.status();
    return value.value_or(std::nullopt);
  }

  ScanPage Scan(const std::optional<std::string>& after, ScanLimits limits = ScanLimits()) {
    const absl::StatusOr<ScanPage> page = engine_->Scan(after, limits);
    EXPECT_TRUE(page.ok()) << page.status();
    return page.value_or(ScanPage());
  }

  // Every entry, by pages of the given size.
  WriteBatch ScanAll(ScanLimits limits) {
    WriteBatch all;
    std::optional<std::string> after;
    for (bool done = false; !done;) {
      const ScanPage page = Scan(after, limits);
      // A page makes progress, unless nothing is left.
      EXPECT_TRUE(page.done || !page.entries.empty());
      if (!page.done && page.entries.empty()) break;
      for (const auto& entry : page.entries) all.push_back(entry);
      if (!page.entries.empty()) after = page.entries.back().first;
      done = page.done;
    }
    return all;
  }

  const std::unique_ptr<StorageEngine> engine_ = GetParam().make();
};

TEST_P(StorageEngineContract, AbsentKeyHasNoValue) {
  EXPECT_EQ(Get("key"), std::nullopt);
  ASSERT_TRUE(engine_->Apply({{"kez", "1"}}).ok());
  EXPECT_EQ(Get("key"), std::nullopt);
  EXPECT_EQ(Get("ke"), std::nullopt);
}

TEST_P(StorageEngineContract, AppliedBatchIsSeenAtOnce) {
  ASSERT_TRUE(engine_->Apply({{"a", "1"}, {"b", "2"}}).ok());
  EXPECT_EQ(Get("a"), "1");
  EXPECT_EQ(Get("b"), "2");
  ASSERT_TRUE(engine_->Apply({{"a", "3"}}).ok());
  EXPECT_EQ(Get("a"), "3");
  EXPECT_EQ(Get("b"), "2");
}

TEST_P(StorageEngineContract, EmptyBatchChangesNothing) {
  ASSERT_TRUE(engine_->Apply({{"a", "1"}}).ok());
  ASSERT_TRUE(engine_->Apply({}).ok());
  EXPECT_EQ(Get("a"), "1");
}

TEST_P(StorageEngineContract, LaterValueInABatchWins) {
  ASSERT_TRUE(engine_->Apply({{"a", "1"}, {"a", "2"}}).ok());
  EXPECT_EQ(Get("a"), "2");
  EXPECT_EQ(Scan(std::nullopt).entries, (WriteBatch{{"a", "2"}}));
}

TEST_P(StorageEngineContract, KeysAndValuesAreBytes) {
  const std::string key("\0\xff\n", 3);
  const std::string value("\0\x80", 2);
  ASSERT_TRUE(engine_->Apply({{key, value}, {"empty", ""}}).ok());
  EXPECT_EQ(Get(key), value);
  EXPECT_EQ(Get(std::string("\0\xff", 2)), std::nullopt);
  EXPECT_EQ(Get("empty"), "");
}

// The key of the replica's own state, which no record has.
TEST_P(StorageEngineContract, TheEmptyKeyIsAKey) {
  EXPECT_EQ(Get(""), std::nullopt);
  ASSERT_TRUE(engine_->Apply({{"", "state"}, {"a", "1"}}).ok());
  EXPECT_EQ(Get(""), "state");
  EXPECT_EQ(Scan(std::nullopt).entries, (WriteBatch{{"", "state"}, {"a", "1"}}));
  EXPECT_EQ(Scan("").entries, (WriteBatch{{"a", "1"}}));
}

TEST_P(StorageEngineContract, LargeValues) {
  const std::string value(size_t{5} << 20, 'v');
  ASSERT_TRUE(engine_->Apply({{"large", value}}).ok());
  EXPECT_EQ(Get("large"), value);
}

TEST_P(StorageEngineContract, ScanIsInByteOrderAndBeginsAfter) {
  ASSERT_TRUE(engine_->Apply({{"b", "2"}, {"\xff", "4"}, {"a", "1"}, {"ba", "3"}}).ok());
  const WriteBatch all{{"a", "1"}, {"b", "2"}, {"ba", "3"}, {"\xff", "4"}};
  const ScanPage page = Scan(std::nullopt);
  EXPECT_EQ(page.entries, all);
  EXPECT_TRUE(page.done);
  EXPECT_EQ(Scan("b").entries, (WriteBatch{{"ba", "3"}, {"\xff", "4"}}));
  EXPECT_EQ(Scan("aa").entries, (WriteBatch{{"b", "2"}, {"ba", "3"}, {"\xff", "4"}}));
  EXPECT_TRUE(Scan("\xff").entries.empty());
  EXPECT_TRUE(Scan("\xff").done);
}

TEST_P(StorageEngineContract, ScanOfNothingIsDone) {
  const ScanPage page = Scan(std::nullopt);
  EXPECT_TRUE(page.entries.empty());
  EXPECT_TRUE(page.done);
}

TEST_P(StorageEngineContract, PagesKeepTheirLimits) {
  WriteBatch all;
  for (int i = 100; i < 150; ++i) all.emplace_back("k" + std::to_string(i), std::string(96, 'v'));
  ASSERT_TRUE(engine_->Apply(all).ok());
  ScanLimits records;
  records.records = 7;
  EXPECT_EQ(Scan(std::nullopt, records).entries.size(), 7u);
  EXPECT_FALSE(Scan(std::nullopt, records).done);
  EXPECT_EQ(ScanAll(records), all);
  ScanLimits bytes;
  bytes.bytes = 450;  // four entries of 100 bytes
  EXPECT_EQ(Scan(std::nullopt, bytes).entries.size(), 4u);
  EXPECT_EQ(ScanAll(bytes), all);
}

TEST_P(StorageEngineContract, LastPageSaysThatItIsDone) {
  ASSERT_TRUE(engine_->Apply({{"a", "1"}, {"b", "2"}}).ok());
  ScanLimits two;
  two.records = 2;
  EXPECT_TRUE(Scan(std::nullopt, two).done);
  ScanLimits one;
  one.records = 1;
  EXPECT_FALSE(Scan(std::nullopt, one).done);
  EXPECT_TRUE(Scan("a", one).done);
}

TEST_P(StorageEngineContract, EntryAboveThePageLimitIsReturnedAlone) {
  ASSERT_TRUE(engine_->Apply({{"a", "1"}, {"b", std::string(1000, 'v')}, {"c", "3"}}).ok());
  ScanLimits limits;
  limits.bytes = 10;
  EXPECT_EQ(Scan("a", limits).entries.size(), 1u);
  EXPECT_EQ(Scan("a", limits).entries[0].first, "b");
  EXPECT_EQ(ScanAll(limits).size(), 3u);
}

TEST_P(StorageEngineContract, WhatWasReturnedStaysAsItWas) {
  ASSERT_TRUE(engine_->Apply({{"a", "1"}, {"b", "2"}}).ok());
  const ScanPage page = Scan(std::nullopt);
  const std::optional<std::string> value = Get("a");
  ASSERT_TRUE(engine_->Apply({{"a", "changed"}, {"c", "3"}}).ok());
  EXPECT_EQ(value, "1");
  EXPECT_EQ(page.entries, (WriteBatch{{"a", "1"}, {"b", "2"}}));
}

TEST_P(StorageEngineContract, SyncSucceedsAndChangesNothing) {
  ASSERT_TRUE(engine_->Sync().ok());
  ASSERT_TRUE(engine_->Apply({{"a", "1"}}).ok());
  ASSERT_TRUE(engine_->Sync().ok());
  ASSERT_TRUE(engine_->Sync().ok());
  EXPECT_EQ(Get("a"), "1");
}

INSTANTIATE_TEST_SUITE_P(
    Engines, StorageEngineContract,
    testing::Values(EngineCase{"Memory", [] { return std::make_unique<MemoryEngine>(); }},
                    EngineCase{"SimulatedMemory",
                               [] { return std::make_unique<sim::SimDisk>(Durability::kMemory); }},
                    EngineCase{"SimulatedSynced",
                               [] { return std::make_unique<sim::SimDisk>(Durability::kSynced); }},
                    EngineCase{"RocksDb", [] { return std::make_unique<RocksDbOnDisk>(false); }},
                    EngineCase{"RocksDbOnAForgetfulDisk",
                               [] { return std::make_unique<RocksDbOnDisk>(true); }}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace quorate
