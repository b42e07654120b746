#include "loadgen/check/witness.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace quorate::check {
namespace {

constexpr size_t kColumns = 48;
constexpr double kNanosPerMilli = 1e6;

// The finite times that the operations span.
struct Span {
  Nanos low = kNever;
  Nanos high = kBeforeAll;

  void Take(Nanos time) {
    if (time == kBeforeAll || time == kNever) return;
    low = std::min(low, time);
    high = std::max(high, time);
  }
  size_t Column(Nanos time) const {
    if (time <= low) return 0;
    if (time >= high) return kColumns - 1;
    const double share = static_cast<double>(Between(low, time)) / Between(low, high);
    return static_cast<size_t>(share * (kColumns - 1));
  }
};

std::string Bar(const Operation& operation, const Span& span) {
  std::string bar(kColumns, ' ');
  const Nanos finish = operation.finish();
  const size_t first = span.Column(operation.start);
  const size_t last = std::max(first, finish == kNever ? kColumns - 1 : span.Column(finish));
  for (size_t i = first; i <= last; ++i) bar[i] = '=';
  bar[last] = finish == kNever ? '>' : '|';
  if (first < last || finish != kNever) bar[first] = operation.start == kBeforeAll ? '<' : '|';
  return bar;
}

std::string TimeSince(Nanos low, Nanos time) {
  if (time == kBeforeAll) return "before";
  if (time == kNever) return "ever";
  return absl::StrFormat("%.3f", static_cast<double>(Between(low, time)) / kNanosPerMilli);
}

}  // namespace

std::string FormatNanos(Nanos nanos) {
  if (nanos == kNever) return "ever";
  return absl::StrFormat("%.3f ms", static_cast<double>(nanos) / kNanosPerMilli);
}

std::string DescribeOperation(const Operation& operation) {
  std::string text = operation.kind == Kind::kRead    ? "read  "
                     : operation.kind == Kind::kWrite ? "write "
                                                      : "delete";
  if (operation.is_read() && !operation.ok()) {
    absl::StrAppend(&text, "?");
  } else if (operation.is_read() && operation.found == 0) {
    absl::StrAppend(&text, "nothing");
  } else if (operation.kind != Kind::kDelete) {
    absl::StrAppend(&text, "value ", operation.value);
  }
  if (operation.order_known != 0) {
    absl::StrAppend(&text, operation.kind == Kind::kDelete ? " version " : ", version ",
                    operation.order);
  }
  if (operation.outcome == Outcome::kFailed) absl::StrAppend(&text, ", failed");
  if (operation.outcome == Outcome::kUnknown) absl::StrAppend(&text, ", unknown");
  return text;
}

std::string RenderWitness(const History& history, const Conflict& conflict) {
  Span span;
  size_t width = 0;
  for (const size_t place : conflict.operations) {
    const Operation& operation = history.operations[place];
    span.Take(operation.start);
    span.Take(operation.finish());
    width = std::max(width, DescribeOperation(operation).size());
  }
  std::string text =
      absl::StrCat(ConflictName(conflict.kind), " on ", KeyName(history, conflict.key), ": ",
                   ConflictMeaning(conflict.kind), "\n");
  if (conflict.severity == kNever) {
    absl::StrAppend(&text, "  (no clock error excuses it)\n");
  } else {
    absl::StrAppend(&text, "  (only a clock error of ", FormatNanos(conflict.severity),
                    " or more would excuse it)\n");
  }
  for (const size_t place : conflict.operations) {
    const Operation& operation = history.operations[place];
    const std::string node = NodeName(history, operation.node);
    const std::string session = operation.session == kNoSession
                                    ? "no session"
                                    : absl::StrCat("session ", operation.session);
    absl::StrAppendFormat(
        &text, "  %-*s  %s  %s to %s ms  %s%s%s  #%d\n", static_cast<int>(width),
        DescribeOperation(operation), Bar(operation, span), TimeSince(span.low, operation.start),
        TimeSince(span.low, operation.finish()), session, node.empty() ? "" : ", ", node, place);
  }
  return text;
}

}  // namespace quorate::check
