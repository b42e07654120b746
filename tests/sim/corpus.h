// Corpus: the schedules that tests/sim/corpus keeps, of planted bugs and of failures of the past.
#ifndef QUORATE_TESTS_SIM_CORPUS_H_
#define QUORATE_TESTS_SIM_CORPUS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "tests/sim/schedule.h"

namespace quorate::sim {

// Name and schedule of every *.schedule in `folder`, by name. NOT_FOUND where the folder cannot be
// read; INVALID_ARGUMENT, naming the file, where one is no schedule.
absl::StatusOr<std::vector<std::pair<std::string, Schedule>>> ReadCorpus(const std::string& folder);

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_CORPUS_H_
