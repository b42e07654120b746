// What RocksDbEngine adds to the contract of all engines: it comes back with what it had, forgets
// no more than it may, and refuses folders that it must not touch.
#include "replication/storage/rocksdb_engine.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/storage/faulty_file_system.h"
#include "tests/storage/temp_folder.h"

namespace quorate {
namespace {

using testing::HasSubstr;

class RocksDbEngineTest : public testing::Test {
 protected:
  std::string data() const { return folder_.path() + "/data"; }

  absl::StatusOr<std::unique_ptr<RocksDbEngine>> TryOpen() {
    RocksDbOptions options;
    options.file_system = disk_;
    return RocksDbEngine::Open(data(), options);
  }
  void Open() {
    engine_.reset();
    absl::StatusOr<std::unique_ptr<RocksDbEngine>> engine = TryOpen();
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
  }
  // The process ends at once; what it had not synced is gone.
  void LosePower() {
    disk_->LosePower();
    engine_.reset();
    disk_ = std::make_shared<FaultyFileSystem>();
  }

  void Put(const std::string& key, const std::string& value) {
    ASSERT_TRUE(engine_->Apply({{key, value}}).ok());
  }
  std::string Get(const std::string& key) {
    const absl::StatusOr<std::optional<std::string>> value = engine_->Get(key);
    EXPECT_TRUE(value.ok()) << value.status();
    return value.ok() ? value->value_or("(none)") : "(error)";
  }

  // The newest of RocksDB's write-ahead logs that holds anything.
  std::string Log() const {
    std::set<std::string> logs;
    for (const auto& entry : std::filesystem::directory_iterator(data())) {
      if (entry.path().extension() == ".log" && entry.file_size() > 0) logs.insert(entry.path());
    }
    EXPECT_FALSE(logs.empty());
    return logs.empty() ? "" : *logs.rbegin();
  }
  // Changes one byte of a file.
  static void Damage(const std::string& path, std::streamoff at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 0x40));
    ASSERT_TRUE(file.good()) << path;
  }

  const TempFolder folder_;
  std::shared_ptr<FaultyFileSystem> disk_ = std::make_shared<FaultyFileSystem>();
  std::unique_ptr<RocksDbEngine> engine_;
};

TEST_F(RocksDbEngineTest, ComesBackWithWhatWasSynced) {
  Open();
  Put("a", "1");
  Put("b", std::string(100000, 'v'));
  ASSERT_TRUE(engine_->Sync().ok());
  EXPECT_EQ(disk_->unsynced_bytes(), 0);
  LosePower();
  Open();
  EXPECT_EQ(Get("a"), "1");
  EXPECT_EQ(Get("b").size(), 100000u);
  EXPECT_FALSE(engine_->has_lost());
}

TEST_F(RocksDbEngineTest, WithoutSyncOnlyThePowerTakesItAway) {
  Open();
  Put("synced", "1");
  ASSERT_TRUE(engine_->Sync().ok());
  Put("unsynced", "1");
  EXPECT_GT(disk_->unsynced_bytes(), 0);
  LosePower();
  Open();
  EXPECT_EQ(Get("synced"), "1");
  EXPECT_EQ(Get("unsynced"), "(none)");
  EXPECT_FALSE(engine_->has_lost()) << "no more is missing than a crash may take";
}

TEST_F(RocksDbEngineTest, BatchesSurviveWholeOrNotAtAll) {
  Open();
  ASSERT_TRUE(engine_->Apply({{"a", "1"}, {"b", "1"}}).ok());
  ASSERT_TRUE(engine_->Sync().ok());
  ASSERT_TRUE(engine_->Apply({{"a", "2"}, {"b", "2"}}).ok());
  ASSERT_TRUE(engine_->Sync().ok());
  LosePower();
  // The disk had written only a part of the last batch.
  const std::string log = Log();
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 1);
  Open();
  EXPECT_EQ(Get("a"), "1");
  EXPECT_EQ(Get("b"), "1");
}

TEST_F(RocksDbEngineTest, SyncedDataSurviveManyCrashes) {
  std::map<std::string, std::string> synced;
  for (int life = 0; life < 6; ++life) {
    Open();
    for (const auto& [key, value] : synced) ASSERT_EQ(Get(key), value) << "life " << life;
    for (int i = 0; i < 10; ++i) {
      const std::string key = absl::StrCat("k", (life * 7 + i) % 30);
      const std::string value = absl::StrCat(life, "/", i);
      Put(key, value);
      synced[key] = value;
    }
    ASSERT_TRUE(engine_->Sync().ok());
    Put("lost", "1");
    LosePower();
  }
}

TEST_F(RocksDbEngineTest, NoticesThatItsLogIsDamaged) {
  Open();
  for (int i = 0; i < 100; ++i) Put(absl::StrCat("k", 100 + i), std::string(100, 'v'));
  ASSERT_TRUE(engine_->Sync().ok());
  LosePower();
  const std::string log = Log();
  Damage(log, static_cast<std::streamoff>(std::filesystem::file_size(log) / 2));
  Open();
  EXPECT_TRUE(engine_->has_lost());
  EXPECT_EQ(Get("k100"), std::string(100, 'v'));
  EXPECT_EQ(Get("k199"), "(none)");
}

// A start that fails for another reason must not make the damage unknown.
TEST_F(RocksDbEngineTest, DamageIsKnownUntilItIsNoted) {
  Open();
  for (int i = 0; i < 100; ++i) Put(absl::StrCat("k", 100 + i), std::string(100, 'v'));
  ASSERT_TRUE(engine_->Sync().ok());
  LosePower();
  const std::string log = Log();
  Damage(log, static_cast<std::streamoff>(std::filesystem::file_size(log) / 2));
  Open();
  Open();
  EXPECT_TRUE(engine_->has_lost());
  ASSERT_TRUE(engine_->NoteLoss().ok());
  EXPECT_FALSE(engine_->has_lost());
  Open();
  EXPECT_FALSE(engine_->has_lost());
}

TEST_F(RocksDbEngineTest, RefusesDamagedTables) {
  Open();
  for (int i = 0; i < 100; ++i) Put(absl::StrCat("k", 100 + i), std::string(1000, 'v'));
  ASSERT_TRUE(engine_->Sync().ok());
  engine_.reset();
  Open();  // writes what the log held into a table
  engine_.reset();
  std::string table;
  for (const auto& entry : std::filesystem::directory_iterator(data())) {
    if (entry.path().extension() == ".sst") table = entry.path();
  }
  ASSERT_FALSE(table.empty());
  Damage(table, 2000);
  Open();
  const absl::StatusOr<ScanPage> page = engine_->Scan(std::nullopt, ScanLimits());
  EXPECT_EQ(page.status().code(), absl::StatusCode::kDataLoss) << page.status();
  EXPECT_THAT(std::string(page.status().message()), HasSubstr("move "));
}

TEST_F(RocksDbEngineTest, RefusesWhatIsMissing) {
  Open();
  Put("a", "1");
  engine_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(data())) {
    if (absl::StartsWith(entry.path().filename().string(), "MANIFEST")) {
      std::filesystem::remove(entry.path());
      break;
    }
  }
  const auto engine = TryOpen();
  EXPECT_FALSE(engine.ok());
  EXPECT_THAT(std::string(engine.status().message()), HasSubstr(data()));
}

TEST_F(RocksDbEngineTest, LeavesForeignFoldersAlone) {
  std::filesystem::create_directory(data());
  std::ofstream(data() + "/letter.txt") << "dear";
  const auto engine = TryOpen();
  EXPECT_EQ(engine.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(engine.status().message()), HasSubstr("such as letter.txt"));
  int entries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(data())) {
    EXPECT_EQ(entry.path().filename(), "letter.txt");
    ++entries;
  }
  EXPECT_EQ(entries, 1);
}

TEST_F(RocksDbEngineTest, AFirstStartThatFailedIsTriedAgain) {
  std::filesystem::create_directory(data());
  for (const char* name : {"LOCK", "LOG", "IDENTITY", "MANIFEST-000001", "000001.dbtmp"}) {
    std::ofstream(data() + "/" + name) << "";
  }
  std::filesystem::create_directory(data() + "/lost+found");
  Open();
  Put("a", "1");
  EXPECT_EQ(Get("a"), "1");
}

TEST_F(RocksDbEngineTest, SaysThatTheDiskIsFullAndNotThatItIsInUse) {
  // The path must not be taken for the cause.
  const std::string blocked = folder_.path() + "/lock";
  std::ofstream(blocked) << "a file";
  const auto engine = RocksDbEngine::Open(blocked + "/data");
  ASSERT_FALSE(engine.ok());
  EXPECT_THAT(std::string(engine.status().message()), testing::Not(HasSubstr("in use")));
}

TEST_F(RocksDbEngineTest, OneProcessAtATime) {
  Open();
  const auto second = TryOpen();
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition) << second.status();
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use"));
}

// What the first one is about to change may look like damage meanwhile.
TEST_F(RocksDbEngineTest, ASecondProcessFindsNoDamageInWhatIsInUse) {
  Open();
  for (int i = 0; i < 20; ++i) Put("k" + std::to_string(i), std::string(100, 'v'));
  ASSERT_TRUE(engine_->Sync().ok());
  const std::string log = Log();
  const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(log) / 2);
  Damage(log, middle);
  EXPECT_EQ(TryOpen().status().code(), absl::StatusCode::kFailedPrecondition);
  Damage(log, middle);  // as it was
  Open();
  EXPECT_FALSE(engine_->has_lost());
  EXPECT_EQ(Get("k19").size(), 100u);
}

TEST_F(RocksDbEngineTest, SaysThatItsFolderCannotBeMade) {
  const auto engine = RocksDbEngine::Open("/proc/quorate/data");
  EXPECT_EQ(engine.status().code(), absl::StatusCode::kUnavailable) << engine.status();
}

TEST_F(RocksDbEngineTest, FailingDiskIsToldOf) {
  Open();
  Put("a", "1");
  disk_->Fail();
  EXPECT_FALSE(engine_->Sync().ok());
  EXPECT_FALSE(engine_->Apply({{"b", "1"}}).ok());
  EXPECT_FALSE(engine_->Sync().ok());
}

// Linux forgets what it could not write: that the process goes on, or only it ends, keeps nothing.
TEST_F(RocksDbEngineTest, AFailedSyncIsKnownToTheNextStart) {
  Open();
  Put("a", "1");
  disk_->FailSyncs();
  const absl::Status synced = engine_->Sync();
  EXPECT_FALSE(synced.ok());
  EXPECT_THAT(std::string(synced.message()), testing::Not(HasSubstr("nor could")));
  LosePower();
  Open();
  EXPECT_TRUE(engine_->has_lost());
}

TEST_F(RocksDbEngineTest, AppliesWhileASyncIsSlow) {
  Open();
  Put("a", "1");
  disk_->HoldSyncs(true);
  absl::Status synced;
  std::thread sync([&] { synced = engine_->Sync(); });
  disk_->AwaitHeldSync();
  Put("b", "1");
  EXPECT_EQ(Get("b"), "1");
  disk_->HoldSyncs(false);
  sync.join();
  EXPECT_TRUE(synced.ok()) << synced;
}

}  // namespace
}  // namespace quorate
