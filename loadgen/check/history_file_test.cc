#include "loadgen/check/history_file.h"

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <sys/stat.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/check/history.h"
#include "loadgen/check/test_history.h"

namespace quorate::check {
namespace {

using testing::HasSubstr;

constexpr size_t kHeader = 52;  // with its checksum

std::string TestPath(const std::string& name) { return testing::TempDir() + "/" + name; }

std::string ReadBytes(const std::string& path) {
  std::string bytes;
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return bytes;
  char buffer[4096];
  size_t got = 0;
  while ((got = std::fread(buffer, 1, sizeof(buffer), file)) > 0) bytes.append(buffer, got);
  std::fclose(file);
  return bytes;
}

void WriteBytes(const std::string& bytes, const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
  ASSERT_EQ(std::fclose(file), 0);
}

// As zlib and many tools compute it, bit by bit.
uint32_t Crc32(const std::string& bytes) {
  uint32_t crc = 0xFFFF'FFFF;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB8'8320 : 0);
  }
  return ~crc;
}

void SetChecksum(std::string* bytes, size_t from, size_t size) {
  const uint32_t crc = Crc32(bytes->substr(from, size));
  std::memcpy(&(*bytes)[from + size], &crc, sizeof(crc));
}

void ExpectSame(const History& a, const History& b) {
  EXPECT_EQ(a.description, b.description);
  EXPECT_EQ(a.keys, b.keys);
  EXPECT_EQ(a.nodes, b.nodes);
  EXPECT_EQ(a.order_is_total, b.order_is_total);
  EXPECT_EQ(a.ranked_by_clocks, b.ranked_by_clocks);
  EXPECT_EQ(a.cut_at, b.cut_at);
  ASSERT_EQ(a.operations.size(), b.operations.size());
  for (size_t i = 0; i < a.operations.size(); ++i) {
    ASSERT_EQ(std::memcmp(&a.operations[i], &b.operations[i], sizeof(Operation)), 0) << i;
  }
}

History SmallHistory() {
  TestHistory history;
  history.history().description = "three operations";
  history.history().keys = {"apple", std::string("b\0c", 3)};
  history.history().nodes = {"n1"};
  history.Write(11, 1, 0, 10).node = 0;
  history.UnknownWrite(12, 5).key = 1;
  history.Read(11, 1, 20, 30).node = 0;
  return history.Sorted();
}

class HistoryFileTest : public testing::Test {
 protected:
  // The bytes of a small history's file; operations begin at operations_at_.
  std::string SmallFile() {
    const std::string path = TestPath("small");
    EXPECT_TRUE(WriteHistoryFile(SmallHistory(), path).ok());
    std::string bytes = ReadBytes(path);
    uint64_t text_bytes = 0;
    std::memcpy(&text_bytes, bytes.data() + 40, sizeof(text_bytes));
    operations_at_ = kHeader + text_bytes + 4;
    return bytes;
  }

  absl::Status ReadBack(const std::string& bytes) {
    const std::string path = TestPath("changed");
    WriteBytes(bytes, path);
    return ReadHistoryFile(path).status();
  }

  // Reads a file in which `field`, at `offset` of the first operation, is replaced and the checksum
  // is right.
  template <typename Field>
  absl::Status ReadWith(size_t offset, Field field) {
    std::string bytes = SmallFile();
    std::memcpy(&bytes[operations_at_ + offset], &field, sizeof(field));
    SetChecksum(&bytes, operations_at_, 3 * sizeof(Operation));
    return ReadBack(bytes);
  }

  size_t operations_at_ = 0;
};

TEST_F(HistoryFileTest, GivesBackWhatWasWritten) {
  const std::string path = TestPath("round_trip");
  History history = SmallHistory();
  ASSERT_TRUE(WriteHistoryFile(history, path).ok());
  absl::StatusOr<History> read = ReadHistoryFile(path);
  ASSERT_TRUE(read.ok()) << read.status();
  ExpectSame(*read, history);

  history.order_is_total = false;
  history.cut_at = -5;
  for (const bool by_clocks : {false, true}) {
    history.ranked_by_clocks = by_clocks;
    ASSERT_TRUE(WriteHistoryFile(history, path).ok());
    read = ReadHistoryFile(path);
    ASSERT_TRUE(read.ok()) << read.status();
    ExpectSame(*read, history);
  }
}

TEST_F(HistoryFileTest, AnEmptyHistoryIsAHistory) {
  const std::string path = TestPath("empty_history");
  ASSERT_TRUE(WriteHistoryFile(History(), path).ok());
  const absl::StatusOr<History> read = ReadHistoryFile(path);
  ASSERT_TRUE(read.ok()) << read.status();
  ExpectSame(*read, History());
}

TEST_F(HistoryFileTest, ManyBlocks) {
  TestHistory history;
  for (uint64_t i = 1; i <= 150'000; ++i) {
    history.Write(i, i, static_cast<Nanos>(i), static_cast<Nanos>(i)).key = i % 7;
  }
  const std::string path = TestPath("many_blocks");
  ASSERT_TRUE(WriteHistoryFile(history.Sorted(), path).ok());
  const absl::StatusOr<History> read = ReadHistoryFile(path);
  ASSERT_TRUE(read.ok()) << read.status();
  ExpectSame(*read, history.Sorted());
}

TEST_F(HistoryFileTest, SortsWhatIsNotSorted) {
  TestHistory history;
  history.Write(11, 1, 50, 60);
  history.Write(12, 2, 0, 10);
  const std::string path = TestPath("unsorted");
  ASSERT_TRUE(WriteHistoryFile(history.history(), path).ok());
  const absl::StatusOr<History> read = ReadHistoryFile(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->operations[0].value, 12u);
}

TEST_F(HistoryFileTest, TheChecksumIsThatOfZlib) {
  const std::string bytes = SmallFile();
  uint32_t checksum = 0;
  std::memcpy(&checksum, bytes.data() + 48, sizeof(checksum));
  EXPECT_EQ(checksum, Crc32(bytes.substr(0, 48)));
}

TEST_F(HistoryFileTest, RefusesEveryTruncation) {
  const std::string bytes = SmallFile();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const absl::Status status = ReadBack(bytes.substr(0, size));
    ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << "at " << size << status;
    ASSERT_THAT(std::string(status.message()), HasSubstr(size < 8 ? "QRHISTRY" : "cut off"))
        << "at " << size;
  }
}

TEST_F(HistoryFileTest, RefusesEveryChangedByte) {
  const std::string bytes = SmallFile();
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    ASSERT_FALSE(ReadBack(changed).ok()) << "at " << i;
  }
}

TEST_F(HistoryFileTest, RefusesForeignFiles) {
  EXPECT_THAT(std::string(ReadBack("{\"mode\": \"leader\"}, and so on for some time").message()),
              HasSubstr("not a history file"));
  EXPECT_THAT(std::string(ReadBack("").message()), HasSubstr("not a history file"));
  EXPECT_THAT(std::string(ReadBack(SmallFile() + "x").message()), HasSubstr("longer than it says"));
  const absl::Status folder = ReadHistoryFile(testing::TempDir()).status();
  EXPECT_THAT(std::string(folder.message()), HasSubstr("not a regular file"));
  const absl::Status nothing = ReadHistoryFile(TestPath("no_such_file")).status();
  EXPECT_EQ(nothing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(nothing.message()), HasSubstr("no_such_file"));
}

TEST_F(HistoryFileTest, RefusesAnotherVersion) {
  std::string bytes = SmallFile();
  bytes[8] = 2;
  SetChecksum(&bytes, 0, 48);
  EXPECT_THAT(std::string(ReadBack(bytes).message()), HasSubstr("format version 2"));
}

TEST_F(HistoryFileTest, AHugeCountIsRefusedBeforeAnythingIsAllocated) {
  for (const uint64_t operations : {uint64_t{1} << 27, uint64_t{1} << 40, ~uint64_t{0}}) {
    std::string bytes = SmallFile();
    std::memcpy(&bytes[16], &operations, sizeof(operations));
    SetChecksum(&bytes, 0, 48);
    EXPECT_FALSE(ReadBack(bytes).ok()) << operations;
  }
  std::string bytes = SmallFile();
  const uint64_t text_bytes = ~uint64_t{0};
  std::memcpy(&bytes[40], &text_bytes, sizeof(text_bytes));
  SetChecksum(&bytes, 0, 48);
  EXPECT_FALSE(ReadBack(bytes).ok());
  bytes = SmallFile();
  const uint32_t keys = 0xFFFF'FFFF;
  std::memcpy(&bytes[32], &keys, sizeof(keys));
  SetChecksum(&bytes, 0, 48);
  EXPECT_THAT(std::string(ReadBack(bytes).message()), HasSubstr("names"));
}

TEST_F(HistoryFileTest, TheReaderSetsTheLimit) {
  const std::string path = TestPath("limited");
  ASSERT_TRUE(WriteHistoryFile(SmallHistory(), path).ok());
  HistoryFileLimits limits;
  limits.operations_max = 2;
  EXPECT_EQ(ReadHistoryFile(path, limits).status().code(), absl::StatusCode::kResourceExhausted);
  limits.operations_max = 3;
  EXPECT_TRUE(ReadHistoryFile(path, limits).ok());
}

// The offsets are those of doc/history_format.md.
TEST_F(HistoryFileTest, RefusesRecordsThatNoRecorderWrites) {
  EXPECT_THAT(std::string(ReadWith<uint32_t>(0, 2).message()), HasSubstr("key has no name"));
  EXPECT_THAT(std::string(ReadWith<uint8_t>(8, 3).message()), HasSubstr("kind"));
  EXPECT_THAT(std::string(ReadWith<uint8_t>(9, 3).message()), HasSubstr("outcome"));
  EXPECT_THAT(std::string(ReadWith<uint16_t>(10, 1).message()), HasSubstr("node has no name"));
  EXPECT_THAT(std::string(ReadWith<uint8_t>(12, 2).message()), HasSubstr("flag"));
  EXPECT_THAT(std::string(ReadWith<uint8_t>(12, 0).message()), HasSubstr("denies"));
  EXPECT_THAT(std::string(ReadWith<uint8_t>(13, 2).message()), HasSubstr("flag"));
  EXPECT_THAT(std::string(ReadWith<uint16_t>(14, 1).message()), HasSubstr("reserved"));
  EXPECT_THAT(std::string(ReadWith<uint64_t>(16, 0).message()), HasSubstr("version 0"));
  EXPECT_THAT(std::string(ReadWith<uint64_t>(24, 0).message()), HasSubstr("value 0"));
  EXPECT_THAT(std::string(ReadWith<int64_t>(32, 11).message()), HasSubstr("before it starts"));
  EXPECT_THAT(std::string(ReadWith<int64_t>(40, kNever).message()), HasSubstr("never ended"));
  EXPECT_TRUE(ReadWith<int64_t>(40, 11).ok());
}

TEST_F(HistoryFileTest, RandomBytesBehindAGoodHeaderNeverCrash) {
  std::mt19937_64 random(3);
  const std::string bytes = SmallFile();
  for (int round = 0; round < 2'000; ++round) {
    std::string changed = bytes;
    for (int i = 0; i < 8; ++i) {
      const size_t place = operations_at_ + random() % (3 * sizeof(Operation));
      changed[place] = static_cast<char>(random());
    }
    SetChecksum(&changed, operations_at_, 3 * sizeof(Operation));
    const absl::Status status = ReadBack(changed);
    EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(HistoryFileTest, SaysWhereItCannotWrite) {
  const absl::Status status = WriteHistoryFile(History(), TestPath("no_such_folder/file"));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no_such_folder/file"));
}

TEST_F(HistoryFileTest, AFullDiskIsNoSuccess) {
  // Every write to this device fails, once the buffers are flushed.
  const absl::Status status = WriteHistoryFile(SmallHistory(), "/dev/full");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("the disk is full"));
}

TEST_F(HistoryFileTest, ADeviceStaysADevice) {
  EXPECT_TRUE(WriteHistoryFile(SmallHistory(), "/dev/null").ok());
  struct stat status = {};
  ASSERT_EQ(stat("/dev/null", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
}

}  // namespace
}  // namespace quorate::check
