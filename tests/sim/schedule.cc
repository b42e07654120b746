#include "tests/sim/schedule.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <tuple>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

#include "tests/sim/schedule_words.h"

namespace quorate::sim {
namespace {

// Exact, and short: "0.25s".
std::string Seconds(absl::Duration duration) {
  const int64_t nanoseconds = absl::ToInt64Nanoseconds(duration);
  const int64_t size = std::abs(nanoseconds);
  std::string text = absl::StrFormat("%s%d.%09d", nanoseconds < 0 ? "-" : "", size / 1000000000,
                                     size % 1000000000);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text + "s";
}

std::string Nodes(const std::vector<NodeId>& nodes) { return absl::StrJoin(nodes, ","); }

std::string SettingText(const ScheduleSetting& setting) {
  std::string text =
      absl::StrCat("strategy ", setting.strategy, "\nseed ", setting.seed, "\ninner-seed ",
                   setting.inner_seed, "\nn ", setting.n, "\nw ", setting.w, "\nr ", setting.r);
  if (setting.leader != 0) absl::StrAppend(&text, "\nleader ", setting.leader);
  absl::StrAppend(&text, "\nloss ", setting.loss_per_mille, "\nrepeat ", setting.repeat_per_mille,
                  "\nkeys ", setting.keys, "\n");
  if (!setting.emulate.empty()) absl::StrAppend(&text, "emulate ", setting.emulate, "\n");
  if (setting.write_mode != WriteMode::kPlain) {
    absl::StrAppend(&text, "write-mode ", WriteModeName(setting.write_mode), "\n");
  }
  if (setting.durability.has_value()) {
    absl::StrAppend(&text, "durability ", DurabilityName(*setting.durability), "\n");
  }
  if (setting.expect_linearizable) absl::StrAppend(&text, "expect linearizable\n");
  if (!setting.planted.empty()) absl::StrAppend(&text, "planted ", setting.planted, "\n");
  if (!setting.violates.empty()) absl::StrAppend(&text, "violates ", setting.violates, "\n");
  return text;
}

auto Tie(const ScheduleSetting& s) {
  return std::tie(s.strategy, s.seed, s.inner_seed, s.emulate, s.write_mode, s.durability, s.n, s.w,
                  s.r, s.leader, s.loss_per_mille, s.repeat_per_mille, s.keys,
                  s.expect_linearizable, s.planted, s.violates);
}
auto Tie(const Fault& f) { return std::tie(f.at, f.kind, f.nodes, f.length, f.amount); }
auto Tie(const ScheduledOperation& o) {
  return std::tie(o.at, o.client, o.number, o.node, o.kind, o.key, o.value_bytes, o.w, o.r,
                  o.linearizable, o.timeout, o.with_context, o.with_session, o.cancel_after,
                  o.repeats, o.give_up_after);
}

}  // namespace

bool operator==(const ScheduleSetting& a, const ScheduleSetting& b) { return Tie(a) == Tie(b); }
bool operator==(const Fault& a, const Fault& b) { return Tie(a) == Tie(b); }
bool operator==(const ScheduledOperation& a, const ScheduledOperation& b) {
  return Tie(a) == Tie(b);
}
bool operator==(const Schedule& a, const Schedule& b) {
  return a.setting == b.setting && a.heal_at == b.heal_at && a.faults == b.faults &&
         a.operations == b.operations;
}

const char* FaultName(FaultKind kind) {
  for (const FaultWord& word : FaultWords()) {
    if (word.kind == kind) return word.name;
  }
  return "?";
}

std::optional<FaultKind> FaultKindOf(absl::string_view word) {
  for (const FaultWord& known : FaultWords()) {
    if (known.word == word) return known.kind;
  }
  return std::nullopt;
}

std::string ScheduledOperation::Name() const { return absl::StrCat("c", client, "/", number); }

std::string ToText(const Fault& fault) {
  std::string text = Seconds(fault.at);
  for (const FaultWord& word : FaultWords()) {
    if (word.kind == fault.kind) absl::StrAppend(&text, " ", word.word);
  }
  switch (fault.kind) {
    case FaultKind::kPartition:
    case FaultKind::kOneWay:
      absl::StrAppend(&text, " nodes=", Nodes(fault.nodes));
      break;
    case FaultKind::kClog:
      absl::StrAppend(&text, " from=", fault.nodes[0], " to=", fault.nodes[1]);
      break;
    default:
      absl::StrAppend(&text, " node=", fault.nodes[0]);
      break;
  }
  if (fault.kind == FaultKind::kClockJump || fault.kind == FaultKind::kClog ||
      fault.kind == FaultKind::kSlowDisk) {
    absl::StrAppend(&text, " by=", Seconds(fault.amount));
  }
  if (fault.kind != FaultKind::kClockJump) absl::StrAppend(&text, " for=", Seconds(fault.length));
  return text;
}

std::string ToText(const ScheduledOperation& operation) {
  std::string text = absl::StrCat(Seconds(operation.at), " ", operation.Name());
  for (const OperationWord& word : OperationWords()) {
    if (word.kind == operation.kind) absl::StrAppend(&text, " ", word.word);
  }
  absl::StrAppend(&text, " key=", operation.key, " node=", operation.node);
  if (operation.kind == OperationKind::kSet) {
    absl::StrAppend(&text, " bytes=", operation.value_bytes);
  }
  if (operation.w.has_value()) absl::StrAppend(&text, " w=", *operation.w);
  if (operation.r.has_value()) absl::StrAppend(&text, " r=", *operation.r);
  if (operation.linearizable) absl::StrAppend(&text, " linearizable");
  absl::StrAppend(&text, " timeout=", Seconds(operation.timeout));
  if (operation.with_context) absl::StrAppend(&text, " context");
  if (operation.with_session) absl::StrAppend(&text, " session");
  if (operation.cancel_after.has_value()) {
    absl::StrAppend(&text, " cancel=", Seconds(*operation.cancel_after));
  }
  if (!operation.repeats.empty()) absl::StrAppend(&text, " repeats=", Nodes(operation.repeats));
  if (operation.give_up_after.has_value()) {
    absl::StrAppend(&text, " gives-up=", Seconds(*operation.give_up_after));
  }
  return text;
}

std::string ToText(const Schedule& schedule) {
  std::string text = absl::StrCat(kScheduleHead, "\n", SettingText(schedule.setting), "heal ",
                                  Seconds(schedule.heal_at), "\n");
  auto fault = schedule.faults.begin();
  for (const ScheduledOperation& operation : schedule.operations) {
    for (; fault != schedule.faults.end() && fault->at <= operation.at; ++fault) {
      absl::StrAppend(&text, ToText(*fault), "\n");
    }
    absl::StrAppend(&text, ToText(operation), "\n");
  }
  for (; fault != schedule.faults.end(); ++fault) absl::StrAppend(&text, ToText(*fault), "\n");
  return text;
}

absl::StatusOr<Schedule> ReadSchedule(const std::string& path) {
  std::ifstream in(path);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in.good() && text.empty())
    return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  absl::StatusOr<Schedule> schedule = ParseSchedule(text);
  if (!schedule.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", schedule.status().message()));
  }
  return schedule;
}

absl::Status WriteSchedule(const std::string& path, const Schedule& schedule) {
  std::ofstream out(path, std::ios::trunc);
  out << ToText(schedule);
  out.close();
  if (!out.good()) return absl::UnavailableError(absl::StrCat(path, ": cannot be written"));
  return absl::OkStatus();
}

}  // namespace quorate::sim
