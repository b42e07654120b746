#include "loadgen/atomic_file.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

namespace fs = std::filesystem;

class AtomicFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = ::testing::TempDir() + "/atomic_file_XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  static std::string Content(const std::string& path) {
    std::ifstream file(path);
    return std::string((std::istreambuf_iterator<char>(file)), {});
  }

  size_t FileCount() const {
    size_t count = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_)) {
      count += entry.is_regular_file();
    }
    return count;
  }

  std::string folder_;
};

TEST_F(AtomicFileTest, WritesAndReplaces) {
  EXPECT_EQ(WriteFileAtomically(Path("a.json"), "first"), absl::OkStatus());
  EXPECT_EQ(Content(Path("a.json")), "first");
  EXPECT_EQ(WriteFileAtomically(Path("a.json"), "2"), absl::OkStatus());
  EXPECT_EQ(Content(Path("a.json")), "2");
  EXPECT_EQ(FileCount(), 1u);
}

TEST_F(AtomicFileTest, TheFileIsReadableByOthersAsTheMaskAllows) {
  const mode_t mask = umask(022);
  EXPECT_EQ(WriteFileAtomically(Path("a.json"), "x"), absl::OkStatus());
  umask(mask);
  struct stat status = {};
  ASSERT_EQ(stat(Path("a.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0644u);
}

TEST_F(AtomicFileTest, NamesAMissingFolder) {
  for (const std::string& path : {Path("none/a.json"), Path("none/deeper/a.json")}) {
    for (const absl::Status& status :
         {WriteFileAtomically(path, "x"), CheckFileCanBeWritten(path)}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
      EXPECT_TRUE(absl::StrContains(status.message(), "there is no folder " + Path("none")))
          << status;
    }
  }
  EXPECT_EQ(WriteFileAtomically("", "x").code(), absl::StatusCode::kNotFound);
}

TEST_F(AtomicFileTest, RefusesToReplaceAFolder) {
  ASSERT_TRUE(fs::create_directory(Path("a.json")));
  for (const absl::Status& status :
       {WriteFileAtomically(Path("a.json"), "x"), CheckFileCanBeWritten(Path("a.json"))}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(absl::StrContains(status.message(), "it is a folder")) << status;
  }
  EXPECT_EQ(FileCount(), 0u);
}

TEST_F(AtomicFileTest, ADeviceIsWrittenInPlace) {
  EXPECT_EQ(WriteFileAtomically("/dev/null", "x"), absl::OkStatus());
  const absl::Status full = WriteFileAtomically("/dev/full", "x");
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(absl::StrContains(full.message(), "/dev/full: the disk is full")) << full;
}

// A limit on the size of files fails a write in the middle, as a full disk does.
TEST_F(AtomicFileTest, WhatFailsInTheMiddleLeavesTheOldFileAlone) {
  ASSERT_EQ(WriteFileAtomically(Path("a.json"), "old"), absl::OkStatus());
  struct rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const struct rlimit small = {1000, before.rlim_max};
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status status = WriteFileAtomically(Path("a.json"), std::string(2000, 'x'));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(Content(Path("a.json")), "old");
  EXPECT_EQ(FileCount(), 1u);
}

TEST_F(AtomicFileTest, TheCheckChangesNothing) {
  EXPECT_EQ(CheckFileCanBeWritten(Path("a.json")), absl::OkStatus());
  EXPECT_EQ(FileCount(), 0u);
  ASSERT_EQ(WriteFileAtomically(Path("a.json"), "old"), absl::OkStatus());
  EXPECT_EQ(CheckFileCanBeWritten(Path("a.json")), absl::OkStatus());
  EXPECT_EQ(Content(Path("a.json")), "old");
  EXPECT_EQ(CheckFileCanBeWritten("/dev/full"), absl::OkStatus());
}

}  // namespace
}  // namespace quorate::loadgen
