#include "tests/sim/corpus.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "replication/registry.h"

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

absl::StatusOr<std::vector<CorpusSeed>> ParseCorpusSeeds(absl::string_view text) {
  const std::vector<std::string> strategies = StrategyNames();
  std::vector<CorpusSeed> seeds;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits('#', 1));
    const std::vector<std::string> words = absl::StrSplit(parts.first, ' ', absl::SkipWhitespace());
    if (words.empty()) continue;
    CorpusSeed seed{words[0], 0};
    if (words.size() != 2 || !absl::SimpleAtoi(words[1], &seed.seed) ||
        std::count(strategies.begin(), strategies.end(), seed.strategy) == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, ": '", line, "' is no strategy and seed"));
    }
    seeds.push_back(std::move(seed));
  }
  return seeds;
}

}  // namespace quorate::sim
