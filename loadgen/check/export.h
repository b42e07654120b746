// Export: a history as text that other people's checkers read.
//
//   absl::Status status = ExportHistory(history, ExportFormat::kEdn, "run.edn");
//
// kEdn: a history of events as Jepsen keeps it and Knossos checks it, one map a line: :index, :time
//   (nanoseconds), :process, :type (:invoke, :ok, :fail or :info), :f (:read or :write; a delete
//   writes nil) and :value, which is [key value] as in Jepsen's independent tests. Beside them
//   :session, and on completions :order and :node where they are known. A process never does two
//   things at a time and none after an :info, as those checkers ask; so processes are not sessions.
// kJsonLines: one operation a line, with the field names of Porcupine's Operation, so that its Go
//   type decodes them: ClientId (the session), Input {op, key, value}, Call, Output {outcome,
//   found, value, order, node, gave_up}, Return. An operation of unknown outcome returns at 2^63-1.
//
// In both, the same instant orders a call before a return: ties are concurrent.
// doc/history_format.md shows examples and what to do with them.
//
// Pure functions, but for the one that writes a file.
#ifndef QUORATE_LOADGEN_CHECK_EXPORT_H_
#define QUORATE_LOADGEN_CHECK_EXPORT_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "loadgen/check/history.h"

namespace quorate::check {

enum class ExportFormat { kEdn, kJsonLines };

// By the end of the name: .edn or .jsonl; nullopt for any other.
std::optional<ExportFormat> ExportFormatOf(absl::string_view path);

// Hands the text to `take` a line at a time, with line ends. Names with other than ASCII characters
// are replaced by "key N" and "node N".
void ExportTo(const History& history, ExportFormat format,
              const std::function<void(absl::string_view)>& take);

// Into a file, which it replaces. UNAVAILABLE, with the path and the reason, where that fails; part
// of the file may be there then.
absl::Status ExportHistory(const History& history, ExportFormat format, const std::string& path);

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_EXPORT_H_
