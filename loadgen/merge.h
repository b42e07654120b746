// Adds up the result files of several load generators that ran against one cluster, or of one that
// ran several times.
//
//   absl::StatusOr<Json> sum = MergeResults({a, b}, options);
//
// Histograms are added slot by slot, and percentiles are those of the sum; no percentile is ever
// averaged. What cannot be known of the sum is null: percentiles of single seconds to which several
// files contribute, the share of the hottest key, the prediction. What servers counted adds up over
// runs one after the other; of runs side by side, which saw the same counts, it is the first one's.
// A sum can be added up again: its phases tell between which of its runs there was time.
// Windows of the runs' time add up where all files have them; else the sum has none.
//
// Staleness is what each generator has seen by itself: it knows only its own acknowledgements, so
// the share is a lower bound for the whole.
//
// Functions: thread-safe.
#ifndef QUORATE_LOADGEN_MERGE_H_
#define QUORATE_LOADGEN_MERGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "loadgen/distribution.h"
#include "loadgen/json_fields.h"
#include "loadgen/result_reader.h"

namespace quorate::loadgen {

struct MergeOptions {
  HistogramEncoder encoder;          // may be empty
  std::vector<std::string> command;  // what the result names as its command
  uint64_t seed = 1;                 // draws the raw samples, where there are too many of them
};

// The sum as a result file. Rates count over the time that any of the runs was measured, so rates
// of runs side by side add up and those of runs one after the other are averaged. InvalidArgument,
// with the files' names, where there are less than two, one holds only the documented part, two are
// the same run, or their settings are unlike; the offered rate and the seed may differ.
absl::StatusOr<Json> MergeResults(const std::vector<ResultDocument>& documents,
                                  const MergeOptions& options);

// With a line for each section and a line end.
std::string FormatMerged(const Json& merged);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_MERGE_H_
