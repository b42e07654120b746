#include "loadgen/check/export.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <queue>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "loadgen/atomic_file.h"

namespace quorate::check {
namespace {

// Quoted for JSON, and for EDN, whose strings know the same escapes.
std::string Quoted(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      absl::StrAppend(&quoted, "\\u", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad4));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string QuotedKey(const History& history, uint32_t key) {
  const std::string name = KeyName(history, key);
  return IsAscii(name) ? Quoted(name) : Quoted(absl::StrCat("key ", key));
}

std::string QuotedNode(const History& history, uint16_t node) {
  const std::string name = NodeName(history, node);
  return IsAscii(name) ? Quoted(name) : Quoted(absl::StrCat("node ", node));
}

// ---- EDN ----

struct Event {
  Nanos at;
  bool completion;
  uint32_t operation;

  friend bool operator<(const Event& a, const Event& b) {
    if (a.at != b.at) return a.at < b.at;
    return a.completion != b.completion ? !a.completion : a.operation < b.operation;
  }
};

std::vector<Event> EventsOf(const History& history) {
  std::vector<Event> events;
  for (uint32_t i = 0; i < history.operations.size(); ++i) {
    events.push_back(Event{history.operations[i].start, false, i});
    // What never ended has an invocation only.
    if (history.operations[i].end != kNever) {
      events.push_back(Event{history.operations[i].end, true, i});
    }
  }
  std::sort(events.begin(), events.end());
  return events;
}

// Hands out the smallest process that is free.
class Processes {
 public:
  uint32_t Take() {
    if (free_.empty()) return next_++;
    const uint32_t process = free_.top();
    free_.pop();
    return process;
  }
  void Release(uint32_t process) { free_.push(process); }

 private:
  uint32_t next_ = 0;
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<uint32_t>> free_;
};

const char* TypeOf(const Operation& operation) {
  if (operation.outcome == Outcome::kFailed) return ":fail";
  return operation.ok() ? ":ok" : ":info";
}

std::string EdnValue(const Operation& operation, bool completion) {
  const bool written = operation.kind == Kind::kWrite;
  const bool read = completion && operation.is_read() && operation.ok() && operation.found != 0;
  return written || read ? absl::StrCat(operation.value) : "nil";
}

void ExportEdn(const History& history, const std::function<void(absl::string_view)>& take) {
  Processes processes;
  std::vector<uint32_t> process_of(history.operations.size(), 0);
  uint64_t index = 0;
  for (const Event& event : EventsOf(history)) {
    const Operation& operation = history.operations[event.operation];
    uint32_t& process = process_of[event.operation];
    if (!event.completion) process = processes.Take();
    std::string line = absl::StrCat(
        "{:index ", index++, ", :time ", event.at, ", :process ", process, ", :type ",
        event.completion ? TypeOf(operation) : ":invoke", ", :f ",
        operation.is_read() ? ":read" : ":write", ", :value [", QuotedKey(history, operation.key),
        " ", EdnValue(operation, event.completion), "], :session ", operation.session);
    if (event.completion) {
      if (operation.order_known != 0) absl::StrAppend(&line, ", :order ", operation.order);
      if (operation.node != kNoNode) {
        absl::StrAppend(&line, ", :node ", QuotedNode(history, operation.node));
      }
      // After an unknown outcome a process may still be at it.
      if (operation.outcome != Outcome::kUnknown) processes.Release(process);
    }
    take(absl::StrCat(line, "}\n"));
  }
}

// ---- JSON lines ----

const char* OutcomeName(Outcome outcome) {
  if (outcome == Outcome::kFailed) return "failed";
  return outcome == Outcome::kOk ? "ok" : "unknown";
}

std::string JsonLine(const History& history, const Operation& operation) {
  const char* const kind = operation.kind == Kind::kRead    ? "read"
                           : operation.kind == Kind::kWrite ? "write"
                                                            : "delete";
  std::string line = absl::StrCat("{\"ClientId\":", operation.session, ",\"Input\":{\"op\":\"",
                                  kind, "\",\"key\":", QuotedKey(history, operation.key));
  if (operation.is_write()) absl::StrAppend(&line, ",\"value\":", operation.value);
  absl::StrAppend(&line, "},\"Call\":", operation.start, ",\"Output\":{\"outcome\":\"",
                  OutcomeName(operation.outcome), "\"");
  if (operation.is_read() && operation.ok()) {
    absl::StrAppend(&line, ",\"found\":", operation.found != 0 ? "true" : "false",
                    ",\"value\":", operation.value);
  }
  if (operation.order_known != 0) absl::StrAppend(&line, ",\"order\":", operation.order);
  if (operation.node != kNoNode) {
    absl::StrAppend(&line, ",\"node\":", QuotedNode(history, operation.node));
  }
  if (operation.outcome == Outcome::kUnknown && operation.end != kNever) {
    absl::StrAppend(&line, ",\"gave_up\":", operation.end);
  }
  const Nanos returned = operation.outcome == Outcome::kUnknown ? kNever : operation.end;
  return absl::StrCat(line, "},\"Return\":", returned, "}\n");
}

}  // namespace

std::optional<ExportFormat> ExportFormatOf(absl::string_view path) {
  if (absl::EndsWith(path, ".edn")) return ExportFormat::kEdn;
  if (absl::EndsWith(path, ".jsonl")) return ExportFormat::kJsonLines;
  return std::nullopt;
}

void ExportTo(const History& history, ExportFormat format,
              const std::function<void(absl::string_view)>& take) {
  if (format == ExportFormat::kEdn) return ExportEdn(history, take);
  for (const Operation& operation : history.operations) take(JsonLine(history, operation));
}

absl::Status ExportHistory(const History& history, ExportFormat format, const std::string& path) {
  return loadgen::WriteFileAtomically(path, [&history, format](std::FILE* file) {
    bool written = true;
    ExportTo(history, format, [file, &written](absl::string_view line) {
      written = written && std::fwrite(line.data(), 1, line.size(), file) == line.size();
    });
    return written;
  });
}

}  // namespace quorate::check
