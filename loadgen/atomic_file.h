// Files that are there whole or not at all, whatever happens while they are written.
//
//   absl::Status ok = CheckFileCanBeWritten("results/run.json");   // before a long run
//   ...
//   ok = WriteFileAtomically("results/run.json", text);
//   ok = WriteFileAtomically("history", [](std::FILE* file) { ...; return true; });
//
// Functions: thread-safe; of two writers of one path the later one wins.
#ifndef QUORATE_LOADGEN_ATOMIC_FILE_H_
#define QUORATE_LOADGEN_ATOMIC_FILE_H_

#include <cstdio>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace quorate::loadgen {

// Writes to a new file beside `path`, syncs it and renames it to `path`, whose earlier content is
// kept where anything fails; nothing else stays behind. What is no regular file, such as
// /dev/stdout, is written in place. Blocks.
//
// Errors, all of which name path and reason: NOT_FOUND (its folder is missing), PERMISSION_DENIED,
// RESOURCE_EXHAUSTED (no space, quota or file size left), FAILED_PRECONDITION (a folder has this
// name), else INTERNAL.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view content);

// The same for content that is too large to be put together first. `write` returns whether it could
// write all of it, else errno says why it could not; it leaves the file open.
absl::Status WriteFileAtomically(const std::string& path,
                                 const std::function<bool(std::FILE*)>& write);

// Whether a small file could be written to `path` now, without changing it; errors as above.
absl::Status CheckFileCanBeWritten(const std::string& path);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_ATOMIC_FILE_H_
