// The sections of a result file that MergeResults (loadgen/merge.h) adds up, each by itself.
//
// A list of sections has one entry for each file, in the files' order; an entry may lack members.
//
// Functions: thread-safe.
#ifndef QUORATE_LOADGEN_MERGE_SECTIONS_H_
#define QUORATE_LOADGEN_MERGE_SECTIONS_H_

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "loadgen/distribution.h"
#include "loadgen/json_fields.h"

namespace quorate::loadgen {

using Sections = std::vector<const Json*>;

// The member `name` of each: an object, or a list. Valid as long as `sections` are.
Sections ObjectsAt(const Sections& sections, const std::string& name);
Sections ListsAt(const Sections& sections, const std::string& name);

uint64_t SumOf(const Sections& sections, const std::string& name);

// InvalidArgument where one is damaged, or their histograms differ in their parameters.
absl::StatusOr<Json> MergeLatency(const Sections& latencies, const std::string& name,
                                  const HistogramEncoder& encoder);

// By operation and outcome. Errors as above.
absl::StatusOr<Json> MergeOperations(const Sections& operations, const HistogramEncoder& encoder);

// Errors as above.
absl::StatusOr<Json> MergeStaleness(const Sections& staleness, const HistogramEncoder& encoder);

// Errors as above.
absl::StatusOr<Json> MergeIntervals(const Sections& intervals, const HistogramEncoder& encoder);

// `offsets`: by how many seconds each file's run began later than the first one to begin.
Json MergeSeries(const Sections& series, const std::vector<double>& offsets);

// `windows` of several files, on one grid of windows as long as the longest, or twice as long and
// so on where there would be more than kWindowsMax (loadgen/window_recorder.h). Empty where a file
// has none or one is damaged, since what the windows count must add up to what the sum counts.
// `offsets` as above.
Json MergeWindows(const Sections& windows, const std::vector<double>& offsets);

// Adds the counts of like messages; of more than a hundred messages the rest becomes one.
Json MergeFailures(const Sections& failures);

// The worst judgement, and each file's reasons with its name before it.
Json MergeVerdicts(const Sections& verdicts, const std::vector<std::string>& names);

// A list of which a uniform sample is known, and how many entries were left out of it.
struct RawList {
  const Json* kept = nullptr;
  uint64_t cut = 0;
};
// A uniform sample, of at most `limit`, of all that the lists were drawn from, in the lists' order;
// `cut` becomes how many are left out.
Json MergeRaw(const std::vector<RawList>& lists, uint64_t limit, std::mt19937_64* random,
              uint64_t* cut);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_MERGE_SECTIONS_H_
