#include "loadgen/check/history_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sys/stat.h>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "boost/crc.hpp"

#include "loadgen/atomic_file.h"

namespace quorate::check {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file has the memory's byte order");

constexpr char kMagic[] = "QRHISTRY";
constexpr uint32_t kVersion = 1;
constexpr uint32_t kOrderIsTotal = 1;
constexpr uint32_t kCut = 2;
constexpr uint32_t kRankedByClocks = 4;
constexpr size_t kBlock = 65536;  // operations
constexpr uint32_t kNameBytesMax = 65536;

// As in the file; its checksum follows it.
struct Header {
  char magic[8];
  uint32_t version;
  uint32_t flags;
  uint64_t operations;
  int64_t cut_at;
  uint32_t keys;
  uint32_t nodes;
  uint64_t text_bytes;
};
static_assert(sizeof(Header) == 48, "no padding");

uint32_t Checksum(const void* data, size_t bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(data, bytes);
  return crc.checksum();
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// ---- Writing ----

void AppendName(absl::string_view name, std::string* text) {
  const uint32_t bytes = static_cast<uint32_t>(std::min<size_t>(name.size(), kNameBytesMax));
  text->append(reinterpret_cast<const char*>(&bytes), sizeof(bytes));
  text->append(name.data(), bytes);
}

bool Write(const void* data, size_t bytes, std::FILE* file) {
  return bytes == 0 || std::fwrite(data, 1, bytes, file) == bytes;
}

bool WriteWithChecksum(const void* data, size_t bytes, std::FILE* file) {
  const uint32_t checksum = Checksum(data, bytes);
  return Write(data, bytes, file) && Write(&checksum, sizeof(checksum), file);
}

bool WriteAll(const History& history, std::FILE* file) {
  std::string text;
  AppendName(history.description, &text);
  for (const std::string& key : history.keys) AppendName(key, &text);
  for (const std::string& node : history.nodes) AppendName(node, &text);
  Header header = {};
  std::memcpy(header.magic, kMagic, sizeof(header.magic));
  header.version = kVersion;
  header.flags = (history.order_is_total ? kOrderIsTotal : 0) |
                 (history.cut_at.has_value() ? kCut : 0) |
                 (history.ranked_by_clocks ? kRankedByClocks : 0);
  header.operations = history.operations.size();
  header.cut_at = history.cut_at.value_or(0);
  header.keys = static_cast<uint32_t>(history.keys.size());
  header.nodes = static_cast<uint32_t>(history.nodes.size());
  header.text_bytes = text.size();
  if (!WriteWithChecksum(&header, sizeof(header), file)) return false;
  if (!WriteWithChecksum(text.data(), text.size(), file)) return false;
  for (size_t first = 0; first < history.operations.size(); first += kBlock) {
    const size_t count = std::min(kBlock, history.operations.size() - first);
    const Operation* block = history.operations.data() + first;
    if (!WriteWithChecksum(block, count * sizeof(Operation), file)) return false;
  }
  return true;
}

// ---- Reading ----

absl::Status Foreign(const std::string& path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", why));
}

absl::Status Damaged(const std::string& path, absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat(path, " is damaged: the checksum of ", what, " is wrong"));
}

// What cannot come from a recorder; null where the record is sound.
const char* WhatIsWrong(const Operation& operation, const Header& header) {
  if (static_cast<uint8_t>(operation.kind) > 2) return "its kind is none of 0 to 2";
  if (static_cast<uint8_t>(operation.outcome) > 2) return "its outcome is none of 0 to 2";
  if (operation.order_known > 1 || operation.found > 1) return "a flag is neither 0 nor 1";
  if (operation.reserved != 0) return "its reserved bytes are not 0";
  if (header.keys > 0 && operation.key >= header.keys) return "its key has no name";
  if (header.nodes > 0 && operation.node != kNoNode && operation.node >= header.nodes) {
    return "its node has no name";
  }
  if (operation.end < operation.start) return "it ends before it starts";
  if (operation.ok() && operation.end == kNever) return "it was answered, but never ended";
  if (operation.order_known == 0 && operation.order != 0) return "it has an order and denies it";
  if (operation.is_read() && operation.found == 0 && operation.value != 0) {
    return "it found nothing, but has a value";
  }
  if (operation.is_write() && operation.order_known != 0 && operation.order == 0) {
    return "it wrote the version 0, which means never written";
  }
  if (operation.kind == Kind::kWrite && operation.value == 0) return "it wrote the value 0";
  return nullptr;
}

class Reader {
 public:
  Reader(const std::string& path, const HistoryFileLimits& limits) : path_(path), limits_(limits) {}

  absl::StatusOr<History> Read() {
    // Before it is opened: opening a pipe would wait for somebody to write into it.
    struct stat facts = {};
    if (stat(path_.c_str(), &facts) != 0) return CannotOpen(errno);
    if (!S_ISREG(facts.st_mode)) return Foreign(path_, "not a regular file");
    File file(std::fopen(path_.c_str(), "rb"));
    if (file == nullptr) return CannotOpen(errno);
    file_ = file.get();
    if (fstat(fileno(file_), &facts) != 0) return CannotOpen(errno);
    absl::Status status = ReadHeader(static_cast<uint64_t>(facts.st_size));
    if (status.ok()) status = ReadText();
    if (status.ok()) status = ReadOperations();
    if (!status.ok()) return status;
    SortByKey(&history_);
    return std::move(history_);
  }

 private:
  absl::Status CannotOpen(int error) const {
    const std::string why = absl::StrCat("cannot open ", path_, ": ", std::strerror(error));
    return error == ENOENT ? absl::NotFoundError(why) : absl::UnavailableError(why);
  }

  absl::Status ReadHeader(uint64_t size) {
    uint32_t checksum = 0;
    if (size < sizeof(header_.magic) || !Get(&header_, std::min<size_t>(size, sizeof(header_))) ||
        std::memcmp(header_.magic, kMagic, sizeof(header_.magic)) != 0) {
      return Foreign(path_, "not a history file: it does not begin with QRHISTRY");
    }
    if (size < sizeof(header_) + sizeof(checksum) || !Get(&checksum, sizeof(checksum))) {
      return Foreign(path_, "the file is cut off within its header");
    }
    if (header_.version != kVersion) {
      return Foreign(path_, absl::StrCat("format version ", header_.version,
                                         "; this program reads version ", kVersion));
    }
    if (checksum != Checksum(&header_, sizeof(header_))) return Damaged(path_, "the header");
    return CheckSize(size);
  }

  absl::Status CheckSize(uint64_t size) {
    const uint64_t operations = header_.operations;
    if (operations > std::min<uint64_t>(limits_.operations_max, kOperationsMax)) {
      return absl::ResourceExhaustedError(
          absl::StrCat(path_, " holds ", operations, " operations, more than the ",
                       std::min<uint64_t>(limits_.operations_max, kOperationsMax), " allowed"));
    }
    const uint64_t fixed = sizeof(header_) + 2 * sizeof(uint32_t) + operations * sizeof(Operation) +
                           (operations + kBlock - 1) / kBlock * sizeof(uint32_t);
    if (size >= fixed && size - fixed == header_.text_bytes) return absl::OkStatus();
    const bool cut_off = size < fixed || size - fixed < header_.text_bytes;
    return Foreign(path_,
                   absl::StrCat("the file is ", cut_off ? "cut off" : "longer than it says",
                                ": it has ", size, " bytes and its header promises ", operations,
                                " operations and ", header_.text_bytes, " bytes of names"));
  }

  absl::Status ReadText() {
    std::string text(header_.text_bytes, '\0');
    uint32_t checksum = 0;
    if (!Get(&text[0], text.size()) || !Get(&checksum, sizeof(checksum))) return EndsEarly();
    if (checksum != Checksum(text.data(), text.size())) return Damaged(path_, "the names");
    absl::string_view rest = text;
    bool sound = TakeName(&rest, &history_.description);
    sound = sound && TakeNames(header_.keys, &rest, &history_.keys);
    sound = sound && TakeNames(header_.nodes, &rest, &history_.nodes);
    if (!sound || !rest.empty()) return Foreign(path_, "its names do not fit their lengths");
    history_.order_is_total = (header_.flags & kOrderIsTotal) != 0;
    history_.ranked_by_clocks = (header_.flags & kRankedByClocks) != 0;
    if ((header_.flags & kCut) != 0) history_.cut_at = header_.cut_at;
    return absl::OkStatus();
  }

  static bool TakeName(absl::string_view* rest, std::string* name) {
    uint32_t bytes = 0;
    if (rest->size() < sizeof(bytes)) return false;
    std::memcpy(&bytes, rest->data(), sizeof(bytes));
    rest->remove_prefix(sizeof(bytes));
    if (bytes > kNameBytesMax || bytes > rest->size()) return false;
    name->assign(rest->data(), bytes);
    rest->remove_prefix(bytes);
    return true;
  }

  static bool TakeNames(uint32_t count, absl::string_view* rest, std::vector<std::string>* names) {
    // Every name has at least its length in the file.
    if (count > rest->size() / sizeof(uint32_t)) return false;
    names->resize(count);
    for (std::string& name : *names) {
      if (!TakeName(rest, &name)) return false;
    }
    return true;
  }

  absl::Status ReadOperations() {
    std::vector<Operation>& operations = history_.operations;
    operations.resize(header_.operations);
    for (size_t first = 0; first < operations.size(); first += kBlock) {
      const size_t count = std::min(kBlock, operations.size() - first);
      Operation* const block = operations.data() + first;
      uint32_t checksum = 0;
      if (!Get(block, count * sizeof(Operation)) || !Get(&checksum, sizeof(checksum))) {
        return EndsEarly();
      }
      if (checksum != Checksum(block, count * sizeof(Operation))) {
        return Damaged(path_, absl::StrCat("operations ", first, " to ", first + count - 1));
      }
      for (size_t i = first; i < first + count; ++i) {
        const char* const wrong = WhatIsWrong(operations[i], header_);
        if (wrong != nullptr) return Foreign(path_, absl::StrCat("operation ", i, ": ", wrong));
      }
    }
    return absl::OkStatus();
  }

  // The size was right when the file was opened.
  absl::Status EndsEarly() const {
    return absl::UnavailableError(absl::StrCat("cannot read all of ", path_));
  }

  bool Get(void* data, size_t bytes) {
    return bytes == 0 || std::fread(data, 1, bytes, file_) == bytes;
  }

  const std::string path_;
  const HistoryFileLimits limits_;
  std::FILE* file_ = nullptr;
  Header header_ = {};
  History history_;
};

}  // namespace

absl::Status WriteHistoryFile(const History& history, const std::string& path) {
  return loadgen::WriteFileAtomically(
      path, [&history](std::FILE* file) { return WriteAll(history, file); });
}

absl::StatusOr<History> ReadHistoryFile(const std::string& path, const HistoryFileLimits& limits) {
  return Reader(path, limits).Read();
}

}  // namespace quorate::check
