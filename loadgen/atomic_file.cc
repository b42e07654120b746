#include "loadgen/atomic_file.h"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace quorate::loadgen {
namespace {

constexpr mode_t kMode = 0666;  // less the user's mask

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status FileError(const std::string& path, int error) {
  const std::string what = absl::StrCat("cannot write ", path, ": ");
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(absl::StrCat(what, "there is no folder ", FolderOf(path)));
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(absl::StrCat(what, std::strerror(error)));
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(absl::StrCat(what, "the disk is full"));
    case EFBIG:
      return absl::ResourceExhaustedError(absl::StrCat(what, "the file is larger than allowed"));
    case EISDIR:
      return absl::FailedPreconditionError(absl::StrCat(what, "it is a folder"));
    default:
      return absl::InternalError(absl::StrCat(what, std::strerror(error)));
  }
}

using Writer = std::function<bool(std::FILE*)>;

Writer WriterOf(absl::string_view content) {
  return [content](std::FILE* file) {
    return std::fwrite(content.data(), 1, content.size(), file) == content.size();
  };
}

// Writes all to `descriptor`, which it closes. 0, or errno.
int WriteAndClose(int descriptor, const Writer& write, bool sync) {
  std::FILE* const file = fdopen(descriptor, "wb");
  if (file == nullptr) {
    const int error = errno;
    close(descriptor);
    return error;
  }
  errno = 0;
  int error = write(file) && std::fflush(file) == 0 ? 0 : errno;
  if (error == 0 && std::ferror(file) != 0) error = EIO;
  // Only now does a full disk show with some file systems.
  if (error == 0 && sync && fsync(descriptor) != 0) error = errno;
  if (std::fclose(file) != 0 && error == 0) error = errno;
  return error;
}

// Not to be shared with another writer, of this process or another one.
std::string TemporaryName(const std::string& path) {
  static std::atomic<uint64_t> count{0};
  return absl::StrCat(path, ".", getpid(), ".", count.fetch_add(1), ".part");
}

// Creates the file `name`; 0, or errno, and then there is no such file.
int WriteNewFile(const std::string& name, const Writer& write) {
  const int file = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
  if (file < 0) return errno;
  const int error = WriteAndClose(file, write, /*sync=*/true);
  if (error != 0) unlink(name.c_str());
  return error;
}

enum class Place { kRegular, kFolder, kOther };

Place PlaceOf(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return Place::kRegular;
  return S_ISDIR(status.st_mode) ? Place::kFolder : Place::kOther;
}

absl::Status WriteInPlace(const std::string& path, const Writer& write) {
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return FileError(path, errno);
  const int error = WriteAndClose(file, write, /*sync=*/false);
  return error == 0 ? absl::OkStatus() : FileError(path, error);
}

}  // namespace

absl::Status WriteFileAtomically(const std::string& path, absl::string_view content) {
  return WriteFileAtomically(path, WriterOf(content));
}

absl::Status WriteFileAtomically(const std::string& path, const Writer& write) {
  if (path.empty()) return absl::NotFoundError("cannot write a file without a name");
  switch (PlaceOf(path)) {
    case Place::kFolder:
      return FileError(path, EISDIR);
    case Place::kOther:
      return WriteInPlace(path, write);
    case Place::kRegular:
      break;
  }
  const std::string temporary = TemporaryName(path);
  if (const int error = WriteNewFile(temporary, write); error != 0) return FileError(path, error);
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(temporary.c_str());
    return FileError(path, error);
  }
  return absl::OkStatus();
}

absl::Status CheckFileCanBeWritten(const std::string& path) {
  if (path.empty()) return absl::NotFoundError("cannot write a file without a name");
  const Place place = PlaceOf(path);
  if (place == Place::kFolder) return FileError(path, EISDIR);
  if (place == Place::kOther) return absl::OkStatus();
  const std::string temporary = TemporaryName(path);
  if (const int error = WriteNewFile(temporary, WriterOf("{}\n")); error != 0)
    return FileError(path, error);
  unlink(temporary.c_str());
  return absl::OkStatus();
}

}  // namespace quorate::loadgen
