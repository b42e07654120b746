// TempFolder: an empty folder for one test, removed with everything in it.
#ifndef QUORATE_TESTS_STORAGE_TEMP_FOLDER_H_
#define QUORATE_TESTS_STORAGE_TEMP_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "glog/logging.h"
#include "gtest/gtest.h"

namespace quorate {

class TempFolder {
 public:
  TempFolder() : path_(testing::TempDir() + "/quorate_XXXXXX") {
    PCHECK(mkdtemp(path_.data()) != nullptr) << path_;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace quorate

#endif  // QUORATE_TESTS_STORAGE_TEMP_FOLDER_H_
