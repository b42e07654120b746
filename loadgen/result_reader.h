// Reads the result files of load runs: those of this program, and those that hold only what every
// load generator of the documented API writes.
//
//   const absl::StatusOr<ResultDocument> document = ReadResultFile("results.json");
//   if (!document.ok()) ...   // says which file, and what is wrong with it
//   const absl::StatusOr<RunSummary> run = Summarize(*document);
//
// Nothing throws, whatever the file holds.
//
// Values: thread-compatible. Functions: thread-safe; ReadResultFile blocks on the disk.
#ifndef QUORATE_LOADGEN_RESULT_READER_H_
#define QUORATE_LOADGEN_RESULT_READER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "loadgen/design_effect.h"
#include "loadgen/distribution.h"
#include "loadgen/json_fields.h"
#include "loadgen/latency_windows.h"

namespace quorate::loadgen {

inline constexpr char kResultSchema[] = "quorate.loadgen.result/1";

struct ResultDocument {
  std::string path;
  bool documented_only = false;  // only the part that every such program writes
  Json json;
};

// NotFound, or another error of opening; InvalidArgument where it is too large (1 GiB), no JSON,
// cut off, of another version, or no result of a load run. Lists that are null count as empty.
absl::StatusOr<ResultDocument> ReadResultFile(const std::string& path);

// The same for what has been read already; `path` is for messages.
absl::StatusOr<ResultDocument> ParseResult(absl::string_view text, const std::string& path);

struct ReadCount {
  uint64_t reads = 0;
  uint64_t stale = 0;
};

// How what was measured is spread over time: an entry for each window, in the order of time.
struct RunWindows {
  std::vector<WindowCount> not_ok;  // of all operations
  std::vector<WindowCount> strict;  // stale reads, of those that were judged
  std::vector<WindowCount> loose;
  std::vector<WindowCount> inversions;
  LatencyWindows read_response;  // of successful operations
  LatencyWindows write_response;
};

// What two runs are compared by.
struct RunSummary {
  std::string path;
  std::string mode;
  // The settings of cluster and workload, "cluster.w" -> "3". Figures that the run measured itself,
  // as the share of the hottest key, are not among them.
  std::map<std::string, std::string> parameters;

  Distribution read_response;  // of successful operations
  Distribution write_response;
  uint64_t ok = 0;                 // operations by outcome
  std::optional<uint64_t> not_ok;  // failed or of unknown outcome; nullopt: the file does not tell
  uint64_t missed = 0;             // never sent
  std::string judgement;           // of the run on itself: "valid", "shared", "void"; empty: none
  std::vector<std::string> reasons;

  std::optional<ReadCount> strict;  // nullopt: the file does not tell
  std::optional<ReadCount> loose;
  std::optional<ReadCount> inversions;

  // Successful operations a second: over the measured time, and in each second of it. The first and
  // the last second may be missing, as they may lie in it with a part only.
  std::optional<double> achieved;  // nullopt: the file does not tell
  std::vector<double> throughput;
  std::optional<RunWindows> windows;  // nullopt: the file does not tell
};

// InvalidArgument where a section is damaged.
absl::StatusOr<RunSummary> Summarize(const ResultDocument& document);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_RESULT_READER_H_
