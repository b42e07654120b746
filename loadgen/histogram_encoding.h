// Latency histograms as text that other programs read.
//
// Two forms, both without loss of counts. The first is the compressed V2 form of HdrHistogram in
// base64, which its libraries in other languages decode. The second is a list of pairs (value,
// count) of the buckets that are not empty, from which plots need no library. The value is the
// greatest of its bucket, so a quantile read from the list is never too small.
//
//   const std::string text = EncodeHistogram(histogram);
//   const absl::StatusOr<LatencyHistogram> again = DecodeHistogram(text);
//
// Durations beyond LatencyHistogram::kHighestNanos are in both forms as if each was as long as the
// longest. What is decoded knows minimum, maximum and mean to three digits only; where they are
// known from elsewhere, LatencyHistogram::RestoreSummary puts them back.
//
// Pure functions: thread-safe, never block.
#ifndef QUORATE_LOADGEN_HISTOGRAM_ENCODING_H_
#define QUORATE_LOADGEN_HISTOGRAM_ENCODING_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "loadgen/latency_histogram.h"

namespace quorate::loadgen {

// The parameters that stand beside the text, so that a reader need not decode it to know them.
inline constexpr int kHistogramDigits = 3;
inline constexpr int64_t kHistogramLowestNanos = 1;
// Greater than LatencyHistogram::kHighestNanos only where a duration was longer.
int64_t HistogramHighestNanos(const LatencyHistogram& histogram);

std::string EncodeHistogram(const LatencyHistogram& histogram);

// Reads what EncodeHistogram or a library of HdrHistogram has written. It must have 3 digits, 1 as
// lowest value, no shifted counts and no scale. InvalidArgument, with the reason, for all else; in
// no case more than a few megabytes are used.
absl::StatusOr<LatencyHistogram> DecodeHistogram(absl::string_view text);

// Nanoseconds and how many durations, ascending.
using SparseHistogram = std::vector<std::pair<int64_t, uint64_t>>;
SparseHistogram ToSparse(const LatencyHistogram& histogram);

// InvalidArgument where values are negative or do not ascend, a count is 0, or the sum of counts
// passes the greatest int64.
absl::StatusOr<LatencyHistogram> FromSparse(const SparseHistogram& sparse);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_HISTOGRAM_ENCODING_H_
