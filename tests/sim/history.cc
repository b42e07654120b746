#include "tests/sim/history.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "glog/logging.h"

namespace quorate::sim {
namespace {

constexpr size_t kShownBytes = 32;

std::string DescribeRecord(const Record& record) {
  std::string text = record.version.DebugString();
  for (const Sibling& sibling : record.siblings) {
    absl::StrAppend(&text, " ", sibling.tombstone ? "(deleted)" : Shown(sibling.value));
  }
  return text;
}

std::string DescribeEnd(const HistoryOperation& operation) {
  switch (operation.outcome) {
    case Outcome::kOpen:
      return "never ended";
    case Outcome::kConnectionLost:
      return "the node died";
    case Outcome::kRefused:
      return "the node was down";
    case Outcome::kEnded:
      break;
  }
  const OperationResult& result = operation.result;
  return absl::StrCat(result.status.ok() ? "OK" : result.status.ToString(),
                      result.may_have_applied ? " (may have applied)" : "", " ", result.answers,
                      " of ", result.required, " answers, ",
                      result.record.has_value() ? DescribeRecord(*result.record) : "no record");
}

}  // namespace

const char* KindName(OperationKind kind) {
  switch (kind) {
    case OperationKind::kGet:
      return "get";
    case OperationKind::kSet:
      return "set";
    case OperationKind::kDelete:
      return "delete";
    case OperationKind::kLocalRead:
      return "local read";
  }
  return "?";
}

std::string Shown(const std::string& bytes) {
  const std::string shown = absl::CHexEscape(bytes.substr(0, kShownBytes));
  return bytes.size() > kShownBytes ? absl::StrCat(shown, "... (", bytes.size(), " bytes)") : shown;
}

std::string WriteName::DebugString() const {
  if (key.empty()) return absl::StrCat("(", epoch, ", ", number, ")");
  return absl::StrCat(dot.actor.node, "@", dot.actor.incarnation, ":", dot.counter, " of ",
                      Shown(key));
}

const Guarantee& History::PromiseFor(int w, int r) const {
  const auto it = setting_.promises.find({w, r});
  CHECK(it != setting_.promises.end()) << "no promise known for W=" << w << ", R=" << r;
  return it->second;
}

void History::Happened(EventKind kind, MonotonicTime at, NodeId node) {
  HistoryEvent event;
  event.kind = kind;
  event.at = at;
  event.node = node;
  events_.push_back(std::move(event));
}

void History::Changed(EventKind kind, MonotonicTime at, NodeId node, const std::string& key,
                      const Record& record, const std::string& encoded) {
  Happened(kind, at, node);
  events_.back().key = key;
  events_.back().version = record.version;
  events_.back().content = ContentHash(encoded);
  events_.back().winner = OrderOf(record);
}

size_t History::Called(MonotonicTime at, HistoryOperation operation) {
  operation.called_at = at;
  operations_.push_back(std::move(operation));
  return operations_.size() - 1;
}

void History::Refused(MonotonicTime at, size_t index) {
  operations_[index].outcome = Outcome::kRefused;
  operations_[index].ended_at = at;
}

void History::Submitted(MonotonicTime at, size_t index, bool node_not_serving) {
  HistoryOperation& operation = operations_[index];
  operation.node_not_serving = node_not_serving;
  operation.submitted_at = at;
  if (operation.submitted) return;  // a repeat
  Happened(EventKind::kSubmit, at, operation.node);
  events_.back().operation = index;
  operation.submitted = true;
  operation.submit_event = events_.size() - 1;
}

void History::Ended(MonotonicTime at, size_t index, bool node_not_serving, OperationResult result) {
  HistoryOperation& operation = operations_[index];
  if (++operation.results > 1 || operation.outcome != Outcome::kOpen) return;
  Happened(EventKind::kEnd, at, operation.node);
  events_.back().operation = index;
  operation.outcome = Outcome::kEnded;
  operation.end_event = events_.size() - 1;
  operation.ended_at = at;
  operation.node_not_serving = operation.node_not_serving && node_not_serving;
  operation.result = std::move(result);
}

void History::ConnectionLost(MonotonicTime at, size_t index) {
  operations_[index].outcome = Outcome::kConnectionLost;
  operations_[index].ended_at = at;
}

void History::Repeated(size_t index, NodeId node) {
  HistoryOperation& operation = operations_[index];
  if (operation.outcome == Outcome::kEnded) {
    events_[operation.end_event].kind = EventKind::kTryEnd;
  }
  operation.outcome = Outcome::kOpen;
  operation.submitted_at = absl::InfiniteDuration();
  operation.results = 0;
  ++operation.tries;
  operation.node = node;
  operation.operation.repeat = true;
}

void History::Saw(NodeId at, const std::string& key, const Record& record) {
  for (const Sibling& sibling : record.siblings) {
    WriteName name;
    if (record.version.sequenced()) {
      name.epoch = record.version.epoch();
      name.number = record.version.number();
    } else {
      name.key = key;
      name.dot = sibling.dot;
    }
    std::vector<WriteContent>& known = writes_[std::move(name)];
    // Nearly always it is: then nothing is copied.
    const auto seen = std::find_if(known.begin(), known.end(), [&](const WriteContent& other) {
      return other.Is(key, sibling);
    });
    if (seen == known.end()) {
      known.push_back({key, sibling.tombstone, sibling.value, sibling.clock, sibling.request, at,
                       record.version});
    } else if (seen->least.Descends(record.version)) {
      // A store shows a whole drain's merges at once; the message with the write itself comes
      // later.
      seen->least = record.version;
    }
  }
}

void History::SetFinalContents(NodeId node,
                               std::vector<std::pair<std::string, std::string>> contents) {
  final_contents_[node] = std::move(contents);
}

std::string History::Describe(size_t index) const {
  const HistoryOperation& operation = operations_[index];
  const Operation& asked = operation.operation;
  std::string text = absl::StrFormat("#%d [%.6f, %.6f] client %d at node %d: %s %s", index,
                                     absl::ToDoubleSeconds(operation.called_at),
                                     absl::ToDoubleSeconds(operation.ended_at), operation.client,
                                     operation.node, KindName(asked.kind), Shown(asked.key));
  if (asked.kind == OperationKind::kSet) absl::StrAppend(&text, "=", Shown(asked.value));
  if (asked.w.has_value()) absl::StrAppend(&text, " w=", *asked.w);
  if (asked.r.has_value()) absl::StrAppend(&text, " r=", *asked.r);
  if (!operation.context.empty()) {
    absl::StrAppend(&text, " context=", operation.context.DebugString());
  }
  if (operation.cancelled) absl::StrAppend(&text, " (cancelled)");
  if (operation.tries > 1) absl::StrAppend(&text, " (try ", operation.tries, ")");
  return absl::StrCat(text, ": ", DescribeEnd(operation));
}

}  // namespace quorate::sim
