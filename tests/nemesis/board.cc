#include "tests/nemesis/board.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <sys/mman.h>
#include <unistd.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace quorate::nemesis {
namespace {

absl::Status Refused(const std::string& path) {
  return absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(errno)));
}

absl::StatusOr<void*> Map(const std::string& path, int flags, size_t bytes) {
  const int fd = open(path.c_str(), flags | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return Refused(path);
  if ((flags & O_CREAT) != 0 && ftruncate(fd, static_cast<off_t>(bytes)) != 0) {
    const absl::Status refused = Refused(path);
    close(fd);
    return refused;
  }
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  const absl::Status refused = memory == MAP_FAILED ? Refused(path) : absl::OkStatus();
  close(fd);
  if (!refused.ok()) return refused;
  return memory;
}

}  // namespace

absl::StatusOr<Board*> Board::Create(const std::string& path) {
  const absl::StatusOr<void*> memory = Map(path, O_CREAT | O_EXCL, sizeof(Board));
  if (!memory.ok()) return memory.status();
  return new (*memory) Board();
}

absl::StatusOr<Board*> Board::Open(const std::string& path) {
  const absl::StatusOr<void*> memory = Map(path, 0, sizeof(Board));
  if (!memory.ok()) return memory.status();
  return static_cast<Board*>(*memory);
}

}  // namespace quorate::nemesis
