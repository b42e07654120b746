#include "tests/sim/corpus.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace quorate::sim {

absl::StatusOr<std::vector<std::pair<std::string, Schedule>>> ReadCorpus(
    const std::string& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".schedule") paths.push_back(entry.path());
  }
  if (error) return absl::NotFoundError(absl::StrCat(folder, ": ", error.message()));
  std::sort(paths.begin(), paths.end());
  std::vector<std::pair<std::string, Schedule>> corpus;
  for (const std::filesystem::path& path : paths) {
    absl::StatusOr<Schedule> schedule = ReadSchedule(path.string());
    if (!schedule.ok()) return schedule.status();
    corpus.emplace_back(path.stem().string(), *std::move(schedule));
  }
  return corpus;
}

}  // namespace quorate::sim
