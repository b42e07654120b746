// A name (a dot of a key, or an (epoch, number) of the cluster) stands for one write, wherever it
// was seen: in stores, in messages, in replies. What it stands for is something that a client asked
// for on that key, and was not told that it was not written; and where a write was answered OK, the
// version in the answer names that write's own value. Two writes of one key are never answered with
// the same version.
#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"

namespace quorate::sim {
namespace {

constexpr char kProperty[] = "a name stands for one write";

std::string DescribeContent(const WriteContent& content) {
  return absl::StrCat(content.tombstone ? "(deleted)" : Shown(content.value), " of ",
                      Shown(content.key), " at clock ", content.clock, ", seen at node ",
                      content.seen_at);
}

// Whether the client was told that nothing was written. A node that is down says so for itself
// alone, not for those that got earlier tries.
bool Denied(const HistoryOperation& operation) {
  if (operation.outcome == Outcome::kRefused) return operation.tries == 1;
  return operation.outcome == Outcome::kEnded && !operation.result.status.ok() &&
         !operation.result.may_have_applied;
}

// What clients asked for and may have got: (key, deleted, value). Values are unique, so that one
// write's cannot stand for another's.
using Asked = std::set<std::tuple<std::string, bool, std::string>>;

bool Matches(const WriteContent& content, const Operation& operation) {
  return content.key == operation.key &&
         content.tombstone == (operation.kind == OperationKind::kDelete) &&
         content.value == operation.value;
}

// The write that an answer's version names is one of its author's in that version. A write that was
// overwritten before its store applied it has never been seen, and then nothing can be said.
bool NamesItself(const History& history, const HistoryOperation& operation) {
  const Version version = ReturnedVersion(operation);
  std::vector<WriteName> names;
  if (version.sequenced()) {
    names.push_back(WriteName{"", version.epoch(), version.number(), Dot{}});
  }
  for (const Dot& dot : version.vector()) {
    if (dot.actor.node == operation.result.node) {
      names.push_back(WriteName{operation.operation.key, 0, 0, dot});
    }
  }
  return std::any_of(names.begin(), names.end(), [&](const WriteName& name) {
    const auto it = history.writes().find(name);
    if (it == history.writes().end()) return true;
    return std::any_of(it->second.begin(), it->second.end(), [&](const WriteContent& content) {
      return Matches(content, operation.operation);
    });
  });
}

// A write that its client has named, and may have repeated, has happened once.
void CheckNamesOfClients(const History& history, Report* report) {
  std::map<std::string, WriteName> named;
  for (const auto& [name, contents] : history.writes()) {
    for (const WriteContent& content : contents) {
      if (content.request.empty()) continue;
      const auto [first, fresh] = named.emplace(content.request, name);
      if (fresh || !(first->second < name || name < first->second)) continue;
      report->Add(kProperty,
                  absl::StrCat("the request ", content.request, " was written twice, as ",
                               first->second.DebugString(), " and as ", name.DebugString()));
    }
  }
  for (const HistoryOperation& operation : history.operations()) {
    report->repeats_checked += operation.tries > 1 && operation.ok() ? 1 : 0;
  }
}

}  // namespace

void CheckUniqueWrites(const History& history, Report* report) {
  Asked asked;
  for (const HistoryOperation& operation : history.operations()) {
    if (!operation.operation.is_write()) continue;
    if (Denied(operation)) {
      report->refusals_checked += operation.operation.kind == OperationKind::kSet ? 1 : 0;
      continue;
    }
    asked.emplace(operation.operation.key, operation.operation.kind == OperationKind::kDelete,
                  operation.operation.value);
  }
  for (const auto& [name, contents] : history.writes()) {
    if (contents.size() > 1) {
      report->Add(kProperty,
                  absl::StrCat(name.DebugString(), " names ", DescribeContent(contents[0]), " and ",
                               DescribeContent(contents[1])));
    }
    for (const WriteContent& content : contents) {
      if (asked.count({content.key, content.tombstone, content.value}) > 0) continue;
      report->Add(kProperty,
                  absl::StrCat(name.DebugString(),
                               " names what nobody wrote, or was told not to have written: ",
                               DescribeContent(content)));
    }
  }
  CheckNamesOfClients(history, report);
  std::map<std::pair<std::string, std::string>, size_t> answered;
  for (size_t i = 0; i < history.operations().size(); ++i) {
    const HistoryOperation& operation = history.operations()[i];
    if (!operation.operation.is_write() || !operation.ok()) continue;
    const std::string version = ReturnedVersion(operation).DebugString();
    const auto [first, fresh] = answered.emplace(std::pair(operation.operation.key, version), i);
    if (!fresh) {
      report->Add(kProperty, absl::StrCat("two writes were answered with version ", version),
                  {first->second, i});
    }
    if (!NamesItself(history, operation)) {
      report->Add(kProperty, "a write was answered with a version that is not its own", {i});
    }
  }
}

}  // namespace quorate::sim
