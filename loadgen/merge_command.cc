#include "loadgen/merge_command.h"

#include <cstdio>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

#include "loadgen/atomic_file.h"
#include "loadgen/merge.h"
#include "loadgen/result_reader.h"

namespace quorate::loadgen {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

constexpr char kHelp[] =
    "Adds up the result files of load generators that ran side by side, or one after the other.\n"
    "Usage: loadgen merge -output OUT A B ...\n\n"
    "  --output OUT    the file to write\n\n"
    "Histograms are added slot by slot, so percentiles are those of all operations together. "
    "Files\n"
    "whose settings are unlike are refused; only the offered rate and the seed may differ.\n"
    "Exit status: 0, 1 where a file cannot be read or written or is refused, 2 for wrong usage.\n";

int Fail(int status, const std::string& message) {
  std::fprintf(stderr, "loadgen merge: %s\n", message.c_str());
  return status;
}

struct Arguments {
  bool help = false;
  std::string output;
  std::vector<std::string> paths;
};

absl::StatusOr<Arguments> Parse(const std::vector<std::string>& words) {
  Arguments arguments;
  for (size_t i = 0; i < words.size(); ++i) {
    absl::string_view word = words[i];
    if (!absl::ConsumePrefix(&word, "-")) {
      arguments.paths.push_back(words[i]);
      continue;
    }
    absl::ConsumePrefix(&word, "-");
    if (word == "help" || word == "h") {
      arguments.help = true;
    } else if (absl::ConsumePrefix(&word, "output=")) {
      arguments.output = std::string(word);
    } else if (word == "output" && i + 1 < words.size()) {
      arguments.output = words[++i];
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("'", words[i], "' is no flag, or lacks its value; --help lists the flags"));
    }
  }
  if (arguments.help) return arguments;
  if (arguments.output.empty()) return absl::InvalidArgumentError("-output FILE is needed");
  if (arguments.paths.size() < 2) {
    return absl::InvalidArgumentError("at least two result files are needed");
  }
  return arguments;
}

}  // namespace

int MergeCommand(const std::vector<std::string>& arguments, const HistogramEncoder& encoder) {
  const absl::StatusOr<Arguments> parsed = Parse(arguments);
  if (!parsed.ok()) return Fail(kUsage, std::string(parsed.status().message()));
  if (parsed->help) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  std::vector<ResultDocument> documents;
  for (const std::string& path : parsed->paths) {
    absl::StatusOr<ResultDocument> document = ReadResultFile(path);
    if (!document.ok()) return Fail(kFailed, std::string(document.status().message()));
    documents.push_back(*std::move(document));
  }
  MergeOptions options;
  options.encoder = encoder;
  options.command = {"loadgen", "merge"};
  options.command.insert(options.command.end(), arguments.begin(), arguments.end());
  const absl::StatusOr<Json> merged = MergeResults(documents, options);
  if (!merged.ok()) return Fail(kFailed, std::string(merged.status().message()));
  const absl::Status written = WriteFileAtomically(parsed->output, FormatMerged(*merged));
  if (!written.ok()) return Fail(kFailed, std::string(written.message()));
  const Json& statistics = ObjectAt(*merged, "statistics");
  std::printf("%s: %zu runs with %llu writes and %llu reads\n", parsed->output.c_str(),
              documents.size(),
              static_cast<unsigned long long>(CountAt(statistics, "total_writes")),
              static_cast<unsigned long long>(CountAt(statistics, "total_reads")));
  return 0;
}

}  // namespace quorate::loadgen
