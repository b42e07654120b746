// Corpus: the failures of the past that tests/sim/corpus keeps.
#ifndef QUORATE_TESTS_SIM_CORPUS_H_
#define QUORATE_TESTS_SIM_CORPUS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "tests/sim/schedule.h"

namespace quorate::sim {

struct CorpusSeed {
  std::string strategy;
  uint64_t seed = 0;
};

// Name and schedule of every *.schedule in `folder`, by name. NOT_FOUND where the folder cannot be
// read; INVALID_ARGUMENT, naming the file, where one is no schedule.
absl::StatusOr<std::vector<std::pair<std::string, Schedule>>> ReadCorpus(const std::string& folder);

// The text of seeds.txt: strategy and seed on each line, and after # whatever people want to know.
// INVALID_ARGUMENT, naming the line.
absl::StatusOr<std::vector<CorpusSeed>> ParseCorpusSeeds(absl::string_view text);

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_CORPUS_H_
