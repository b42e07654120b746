// For tests of whole runs: a folder for each, the node program, and small disks where they can be.
#ifndef QUORATE_TESTS_NEMESIS_RUN_FIXTURE_H_
#define QUORATE_TESTS_NEMESIS_RUN_FIXTURE_H_

#include <cstdlib>
#include <iostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "tests/nemesis/nemesis.h"
#include "tests/nemesis/real_cluster.h"
#include "tests/sim/schedule.h"
#include "tests/storage/temp_folder.h"

namespace quorate::nemesis {

class RunFixture : public ::testing::Test {
 protected:
  // Before any thread is started, so once a process.
  static void SetUpTestSuite() {
    static const absl::Status& mounts = *new absl::Status(SeparateMounts());
    full_disks_ = mounts.ok();
    if (!mounts.ok()) std::cout << "SKIPPED: full disks: " << mounts.message() << std::endl;
  }

  static std::string Variable(const char* name) {
    const char* const value = std::getenv(name);
    EXPECT_NE(value, nullptr) << name;
    return value == nullptr ? "" : value;
  }

  absl::StatusOr<NemesisResult> Run(const sim::Schedule& schedule, const std::string& node) {
    TempFolder folder;
    NemesisOptions options;
    options.node_program = node;
    options.folder = folder.path();
    options.full_disks = full_disks_;
    options.progress = [](const std::string& line) { std::cout << line << std::endl; };
    absl::StatusOr<NemesisResult> run = RunNemesis(schedule, options);
    if (run.ok()) std::cout << Describe(*run) << std::endl;
    return run;
  }

 private:
  inline static bool full_disks_ = false;
};

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_RUN_FIXTURE_H_
