// Lets histogram_exchange_test.py compare this project's histograms with those of another library.
//
// Reads lines of four forms and answers each with one line:
//   record VALUE[xCOUNT]...   a histogram of these durations in nanoseconds
//   random SEED COUNT         a histogram of COUNT durations from 1 ns to 50 s, spread evenly over
//                             the orders of magnitude
//   decode TEXT               the histogram that TEXT encodes
// The answer has these fields, with a space between: the text, the count, the mean, the maximum,
// what ValueAtQuantile says of 0.5, 0.9, 0.99, 0.999 and 0.9999, each after `/`, and the list of
// buckets as VALUE:COUNT with commas. A line that cannot be read is answered by `error` and why.
#include <cmath>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "loadgen/histogram_encoding.h"
#include "loadgen/latency_histogram.h"
#include "loadgen/random_stream.h"

namespace quorate::loadgen {
namespace {

absl::StatusOr<LatencyHistogram> Recorded(const std::vector<std::string>& words) {
  LatencyHistogram histogram;
  for (size_t i = 1; i < words.size(); ++i) {
    const std::vector<std::string> parts = absl::StrSplit(words[i], 'x');
    int64_t nanos = 0;
    uint64_t times = 1;
    if (parts.size() > 2 || !absl::SimpleAtoi(parts[0], &nanos) ||
        (parts.size() == 2 && !absl::SimpleAtoi(parts[1], &times))) {
      return absl::InvalidArgumentError(absl::StrCat("no duration: ", words[i]));
    }
    histogram.RecordMany(nanos, times);
  }
  return histogram;
}

absl::StatusOr<LatencyHistogram> Answer(const std::string& line) {
  const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
  if (!words.empty() && words[0] == "record") return Recorded(words);
  if (words.size() == 2 && words[0] == "decode") return DecodeHistogram(words[1]);
  uint64_t seed = 0;
  uint64_t count = 0;
  if (words.size() == 3 && words[0] == "random" && absl::SimpleAtoi(words[1], &seed) &&
      absl::SimpleAtoi(words[2], &count)) {
    RandomStream random(seed);
    LatencyHistogram histogram;
    for (uint64_t i = 0; i < count; ++i) {
      histogram.Record(static_cast<int64_t>(std::exp(random.NextUnit() * std::log(5e10))));
    }
    return histogram;
  }
  return absl::InvalidArgumentError("no such command");
}

std::string Describe(const LatencyHistogram& histogram) {
  std::vector<int64_t> quantiles;
  for (const double quantile : {0.5, 0.9, 0.99, 0.999, 0.9999}) {
    quantiles.push_back(histogram.ValueAtQuantile(quantile));
  }
  return absl::StrCat(EncodeHistogram(histogram), " ", histogram.count(), " ",
                      absl::StrFormat("%.17g", histogram.mean()), " ", histogram.max(), " /",
                      absl::StrJoin(quantiles, "/"), " ",
                      absl::StrJoin(ToSparse(histogram), ",", absl::PairFormatter(":")));
}

}  // namespace
}  // namespace quorate::loadgen

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const absl::StatusOr<quorate::loadgen::LatencyHistogram> answer =
        quorate::loadgen::Answer(line);
    if (answer.ok()) {
      std::cout << quorate::loadgen::Describe(*answer) << "\n";
    } else {
      std::cout << "error " << answer.status().message() << "\n";
    }
  }
  return 0;
}
