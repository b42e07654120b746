#include "loadgen/result_reader.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "loadgen/window_recorder.h"

namespace quorate::loadgen {
namespace {

constexpr size_t kLargestFile = size_t{1} << 30;

constexpr const char* kDocumentedLists[] = {"write_latencies", "read_latencies", "stale_reads",
                                            "read_write_intervals"};

// Sections that a file of this program has, besides the documented ones.
constexpr const char* kObjects[] = {"run", "totals", "send_lag", "staleness", "intervals"};
constexpr const char* kLists[] = {"operations", "series"};

// Measured, not set.
constexpr const char* kMeasuredParameters[] = {"workload.top_key_share",
                                               "workload.hottest_key_writes_per_second"};

absl::Status Refuse(const std::string& path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(path, " ", why));
}

absl::Status CheckDocumented(const Json& json, const std::string& path) {
  const Json* mode = Find(json, "mode");
  const Json* statistics = Find(json, "statistics");
  if (mode == nullptr || !mode->is_string() || statistics == nullptr || !statistics->is_object()) {
    return Refuse(path, "is no result of a load run: it lacks 'mode' or 'statistics'");
  }
  for (const char* name : kDocumentedLists) {
    if (!json.contains(name)) {
      return Refuse(path, absl::StrCat("is no result of a load run: it lacks '", name, "'"));
    }
    const Json* list = Find(json, name);  // null counts as empty
    if (list != nullptr && !list->is_array()) {
      return Refuse(path, absl::StrCat("is damaged: '", name, "' is no list"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckOwn(const Json& json, const std::string& path) {
  for (const char* name : kObjects) {
    const Json* found = Find(json, name);
    if (found == nullptr || !found->is_object()) {
      return Refuse(path, absl::StrCat("is damaged: it lacks '", name, "'"));
    }
  }
  for (const char* name : kLists) {
    const Json* found = Find(json, name);
    if (found == nullptr || !found->is_array()) {
      return Refuse(path, absl::StrCat("is damaged: it lacks '", name, "'"));
    }
  }
  return absl::OkStatus();
}

std::vector<double> Numbers(const Json& list) {
  std::vector<double> numbers;
  for (const Json& item : list) {
    if (item.is_number()) numbers.push_back(item.get<double>());
  }
  return numbers;
}

std::string ShortText(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

void CollectParameters(const Json& run, const std::string& section,
                       std::map<std::string, std::string>* parameters) {
  for (const auto& [name, value] : ObjectAt(run, section).items()) {
    (*parameters)[absl::StrCat(section, ".", name)] = ShortText(value);
  }
}

std::optional<ReadCount> CountIn(const Json& staleness, const std::string& name) {
  const Json* found = Find(staleness, name);
  if (found == nullptr || !found->is_object()) return std::nullopt;
  return ReadCount{CountAt(*found, "reads"), CountAt(*found, "stale")};
}

void SummarizeDocumented(const Json& json, RunSummary* run) {
  run->read_response = Distribution::FromSeconds(Numbers(ListAt(json, "read_latencies")));
  run->write_response = Distribution::FromSeconds(Numbers(ListAt(json, "write_latencies")));
  const Json& statistics = ObjectAt(json, "statistics");
  const uint64_t reads = CountAt(statistics, "total_reads");
  run->ok = reads + CountAt(statistics, "total_writes");
  // These programs look the expected version up when the answer is there.
  run->loose = ReadCount{reads, CountAt(statistics, "total_stale_reads")};
}

absl::Status SummarizeOperations(const Json& operations, RunSummary* run) {
  run->not_ok = 0;
  for (const Json& operation : operations) {
    const std::string kind = TextAt(operation, "operation");
    // The parts of a read_modify_write are among the reads and the writes.
    if (kind != "read" && kind != "write") continue;
    const std::string outcome = TextAt(operation, "outcome");
    const uint64_t count = CountAt(operation, "count");
    if (outcome == "failed" || outcome == "unknown") *run->not_ok += count;
    if (outcome != "ok") continue;
    run->ok += count;
    const absl::StatusOr<Distribution> response = Distribution::FromJson(
        ObjectAt(operation, "response"), absl::StrCat("response of ", kind, "s"));
    if (!response.ok()) return response.status();
    const absl::Status added =
        (kind == "read" ? run->read_response : run->write_response).Add(*response);
    if (!added.ok()) return added;
  }
  return absl::OkStatus();
}

void SummarizeSeries(const Json& series, RunSummary* run) {
  for (const Json& second : series) {
    const double seconds = NumberAt(second, "seconds");
    // What is left at the end may be too short for a rate.
    if (FlagAt(second, "warm_up") || !(seconds >= 0.5)) continue;
    const uint64_t done = CountAt(second, "reads_ok") + CountAt(second, "writes_ok");
    run->throughput.push_back(static_cast<double>(done) / seconds);
  }
}

// Of the reads that were judged.
std::vector<WindowCount> CountsIn(const Json& windows, const char* hits) {
  std::vector<WindowCount> counts;
  for (const Json& window : windows) {
    counts.push_back(WindowCount{static_cast<double>(CountAt(window, "judged")),
                                 static_cast<double>(CountAt(window, hits))});
  }
  return counts;
}

// Whether they can be, and add up to what the file counts elsewhere.
bool AddUp(const std::vector<WindowCount>& windows, const std::optional<ReadCount>& count) {
  WindowCount sum;
  for (const WindowCount& window : windows) {
    if (window.hits > window.trials) return false;
    sum.trials += window.trials;
    sum.hits += window.hits;
  }
  return count.has_value() && sum.trials == static_cast<double>(count->reads) &&
         sum.hits == static_cast<double>(count->stale);
}

// Windows that contradict the rest of the file are not believed, and count as not told.
// REQUIRES: all else is summarized.
absl::Status SummarizeWindows(const Json& json, RunSummary* run) {
  const Json* const list = Find(json, "windows");
  if (list == nullptr || (list->is_array() && list->empty())) return absl::OkStatus();
  const auto damaged = [](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("'windows' is damaged: ", why));
  };
  if (!list->is_array()) return damaged("it is no list");
  if (list->size() > kWindowsMax) return damaged(absl::StrCat("it has more than ", kWindowsMax));
  RunWindows windows;
  absl::StatusOr<LatencyWindows> reads = LatencyWindows::FromJson(*list, "read_response");
  if (!reads.ok()) return reads.status();
  absl::StatusOr<LatencyWindows> writes = LatencyWindows::FromJson(*list, "write_response");
  if (!writes.ok()) return writes.status();
  for (size_t i = 0; i < list->size(); ++i) {
    const double not_ok = static_cast<double>(CountAt((*list)[i], "failed")) +
                          static_cast<double>(CountAt((*list)[i], "unknown"));
    windows.not_ok.push_back({reads->CountIn(i) + writes->CountIn(i) + not_ok, not_ok});
  }
  windows.read_response = *std::move(reads);
  windows.write_response = *std::move(writes);
  windows.strict = CountsIn(*list, "stale");
  windows.loose = CountsIn(*list, "loosely_stale");
  windows.inversions = CountsIn(*list, "inversions");
  const ReadCount not_ok{run->ok + run->not_ok.value_or(0), run->not_ok.value_or(0)};
  const bool told =
      windows.read_response.count() == static_cast<double>(run->read_response.count()) &&
      windows.write_response.count() == static_cast<double>(run->write_response.count()) &&
      AddUp(windows.not_ok, not_ok) && AddUp(windows.strict, run->strict) &&
      AddUp(windows.loose, run->loose) && AddUp(windows.inversions, run->inversions);
  if (told) run->windows = std::move(windows);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ResultDocument> ReadResultFile(const std::string& path) {
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "rb"), close);
  if (file == nullptr) {
    const int error = errno;
    const std::string message = absl::StrCat(path, " cannot be opened: ", std::strerror(error));
    return error == ENOENT ? absl::NotFoundError(message) : absl::UnavailableError(message);
  }
  std::string text;
  std::vector<char> block(size_t{1} << 16);
  while (const size_t got = std::fread(block.data(), 1, block.size(), file.get())) {
    text.append(block.data(), got);
    if (text.size() > kLargestFile) return Refuse(path, "is larger than 1 GiB");
  }
  if (std::ferror(file.get()) != 0) {
    return absl::UnavailableError(absl::StrCat(path, " cannot be read: ", std::strerror(errno)));
  }
  return ParseResult(text, path);
}

absl::StatusOr<ResultDocument> ParseResult(absl::string_view text, const std::string& path) {
  const absl::string_view content = absl::StripAsciiWhitespace(text);
  if (content.empty()) return Refuse(path, "is empty");
  ResultDocument document;
  document.path = path;
  document.json = Json::parse(content.begin(), content.end(), nullptr, /*allow_exceptions=*/false);
  if (document.json.is_discarded()) {
    return Refuse(path, content.front() == '{'
                            ? "is no complete JSON: it has been cut off, or is damaged"
                            : "is no JSON");
  }
  const Json* schema = Find(document.json, "schema");
  if (schema != nullptr && *schema != kResultSchema) {
    return Refuse(path,
                  absl::StrCat("has the schema ", ShortText(*schema), ", not ", kResultSchema));
  }
  const absl::Status documented = CheckDocumented(document.json, path);
  if (!documented.ok()) return documented;
  document.documented_only = schema == nullptr;
  if (!document.documented_only) {
    const absl::Status own = CheckOwn(document.json, path);
    if (!own.ok()) return own;
  }
  return document;
}

absl::StatusOr<RunSummary> Summarize(const ResultDocument& document) {
  const Json& json = document.json;
  RunSummary run;
  run.path = document.path;
  run.mode = TextAt(json, "mode");
  run.parameters["mode"] = run.mode;
  if (document.documented_only) {
    SummarizeDocumented(json, &run);
    return run;
  }
  CollectParameters(ObjectAt(json, "run"), "cluster", &run.parameters);
  CollectParameters(ObjectAt(json, "run"), "workload", &run.parameters);
  for (const char* name : kMeasuredParameters) run.parameters.erase(name);
  const absl::Status operations = SummarizeOperations(ListAt(json, "operations"), &run);
  if (!operations.ok()) return Refuse(document.path, operations.message());
  SummarizeSeries(ListAt(json, "series"), &run);
  const Json& totals = ObjectAt(json, "totals");
  run.missed = CountAt(totals, "missed");
  const double achieved = NumberAt(totals, "achieved_per_second");
  if (!std::isnan(achieved)) run.achieved = achieved;
  const Json& verdict = ObjectAt(json, "verdict");
  run.judgement = TextAt(verdict, "judgement");
  for (const Json& reason : ListAt(verdict, "reasons")) run.reasons.push_back(ShortText(reason));
  const Json& staleness = ObjectAt(json, "staleness");
  run.strict = CountIn(staleness, "strict");
  run.loose = CountIn(staleness, "loose");
  if (run.strict.has_value()) {
    run.inversions = ReadCount{run.strict->reads, CountAt(staleness, "inversions")};
  }
  const absl::Status windows = SummarizeWindows(json, &run);
  if (!windows.ok()) return Refuse(document.path, windows.message());
  return run;
}

}  // namespace quorate::loadgen
