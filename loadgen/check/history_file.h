// History files: a History on disk, in the format of doc/history_format.md.
//
//   absl::Status written = WriteHistoryFile(history, "run.history");
//   absl::StatusOr<History> read = ReadHistoryFile("run.history");
//
// Both block on the disk. Safe to call from several threads, for different paths.
#ifndef QUORATE_LOADGEN_CHECK_HISTORY_FILE_H_
#define QUORATE_LOADGEN_CHECK_HISTORY_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "loadgen/check/history.h"

namespace quorate::check {

struct HistoryFileLimits {
  // More operations than this are refused; each takes 48 bytes of memory.
  size_t operations_max = 200'000'000;
};

// Replaces the file at once when all is written: where this fails, naming the path and the reason,
// what was there before is still there. Names and descriptions of more than 64 KiB are cut.
absl::Status WriteHistoryFile(const History& history, const std::string& path);

// The history, sorted by key. NOT_FOUND or UNAVAILABLE where the file cannot be read;
// INVALID_ARGUMENT where it is no history, is of another version of the format, is cut off or
// longer than it says, or holds what no recorder writes; DATA_LOSS where a checksum is wrong;
// RESOURCE_EXHAUSTED beyond the limits. Memory stays within a few times the size of the file, and
// is taken only once that size fits what the file says of itself.
absl::StatusOr<History> ReadHistoryFile(const std::string& path,
                                        const HistoryFileLimits& limits = {});

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_HISTORY_FILE_H_
