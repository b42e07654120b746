// Result files of load runs, as compare, merge and resumed series read them. The input is a file.
//
// A run does not differ from itself; a file that can be merged with a copy of itself gives one that
// can be read, in which everything is there twice; and what the merged file says in two forms is
// the same in both.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"

#include "loadgen/compare.h"
#include "loadgen/distribution.h"
#include "loadgen/histogram_encoding.h"
#include "loadgen/json_fields.h"
#include "loadgen/merge.h"
#include "loadgen/result_reader.h"

namespace quorate::loadgen {
namespace {

void CheckDistribution(const Distribution& distribution) {
  double last = 0;
  for (const NamedQuantile& named : kFileQuantiles) {
    const std::optional<double> value = distribution.Percentile(named.quantile);
    if (!value.has_value()) continue;
    CHECK_GE(*value, last) << "percentiles do not ascend";
    CHECK_LE(*value, distribution.max());
    last = *value;
    const std::optional<Distribution::Interval> interval =
        distribution.PercentileInterval(named.quantile);
    if (interval.has_value()) CHECK_LE(interval->low, interval->high);
  }
}

RunSummary SummaryOf(const ResultDocument& document) {
  absl::StatusOr<RunSummary> summary = Summarize(document);
  CHECK(summary.ok()) << summary.status();
  return *std::move(summary);
}

void CheckComparison(const RunSummary& a, const RunSummary& b) {
  const Comparison comparison = Compare(a, b);
  CHECK(comparison.parameters.empty());
  for (const ComparedRow& row : comparison.rows) CHECK(!row.significant) << row.name;
  CHECK(!FormatComparison(comparison).empty());
  const std::string text =
      ComparisonToJson(comparison).dump(-1, ' ', false, Json::error_handler_t::replace);
  CHECK(Json::accept(text)) << text;
}

void CheckTwice(std::optional<ReadCount> once, std::optional<ReadCount> twice) {
  // What a file does not tell, the sum may count as nothing.
  CHECK(twice.has_value() || !once.has_value());
  const ReadCount nothing;
  CHECK_EQ(2 * once.value_or(nothing).reads, twice.value_or(nothing).reads);
  CHECK_EQ(2 * once.value_or(nothing).stale, twice.value_or(nothing).stale);
}

// The compressed text of a histogram holds what its list does.
std::string Encoded(const ValueCounts& counts) {
  const absl::StatusOr<LatencyHistogram> histogram = FromSparse(counts);
  if (!histogram.ok()) return "";
  std::string text = EncodeHistogram(*histogram);
  const absl::StatusOr<LatencyHistogram> again = DecodeHistogram(text);
  CHECK(again.ok()) << again.status();
  CHECK(ToSparse(*again) == ToSparse(*histogram)) << text;
  return text;
}

void CheckMerge(const ResultDocument& document, const RunSummary& run) {
  ResultDocument other = document;
  other.path = "other";
  other.json["run"]["seed"] = "of another run";
  MergeOptions options;
  options.encoder = Encoded;
  const absl::StatusOr<Json> merged = MergeResults({document, other}, options);
  if (!merged.ok()) return;
  const absl::StatusOr<ResultDocument> reread = ParseResult(FormatMerged(*merged), "merged");
  CHECK(reread.ok()) << reread.status();
  const RunSummary sum = SummaryOf(*reread);
  CHECK_EQ(sum.ok, 2 * run.ok);
  CHECK_EQ(sum.not_ok.value_or(0), 2 * run.not_ok.value_or(0));
  CHECK_EQ(sum.read_response.count(), 2 * run.read_response.count());
  CHECK_EQ(sum.write_response.count(), 2 * run.write_response.count());
  CheckDistribution(sum.read_response);
  CheckTwice(run.strict, sum.strict);
  CheckTwice(run.inversions, sum.inversions);
}

void CheckFile(absl::string_view text) {
  const absl::StatusOr<ResultDocument> document = ParseResult(text, "input");
  if (!document.ok()) return;
  const absl::StatusOr<RunSummary> run = Summarize(*document);
  if (!run.ok()) return;
  CheckDistribution(run->read_response);
  CheckDistribution(run->write_response);
  CheckComparison(*run, *run);
  CheckMerge(*document, *run);
}

}  // namespace
}  // namespace quorate::loadgen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  quorate::loadgen::CheckFile(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
