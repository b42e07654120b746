// The reader of a schedule's text.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "replication/cluster_config.h"
#include "replication/emulated_delays.h"
#include "replication/registry.h"
#include "tests/sim/schedule.h"
#include "tests/sim/schedule_words.h"

namespace quorate::sim {
namespace {

// Checkers have a bit for each (NodeSet), and none for node 0.
constexpr int kNodesMax = 63;
constexpr int kKeysMax = 100000;
constexpr int kNumberMax = 1000000000;
constexpr int kBytesMax = 4 << 20;
constexpr absl::Duration kTimeMax = absl::Hours(24);

// One event's words behind its time: name=value, or a name alone. Each must be asked for.
class Fields {
 public:
  explicit Fields(const std::vector<absl::string_view>& words) {
    for (const absl::string_view word : words) {
      const std::pair<absl::string_view, absl::string_view> parts =
          absl::StrSplit(word, absl::MaxSplits('=', 1));
      if (!fields_.emplace(parts.first, parts.second).second) {
        Wrong(absl::StrCat("'", parts.first, "' is there twice"));
      }
    }
  }

  bool Has(absl::string_view name) const { return fields_.count(name) > 0; }

  void Get(absl::string_view name, int low, int high, int* value) {
    const absl::string_view text = Take(name);
    if (!absl::SimpleAtoi(text, value) || *value < low || *value > high) {
      Wrong(absl::StrCat("'", name, "' is a number from ", low, " to ", high));
    }
  }
  void Get(absl::string_view name, int low, int high, std::optional<int>* value) {
    if (Has(name)) Get(name, low, high, &value->emplace());
  }
  void Get(absl::string_view name, absl::Duration low, absl::Duration* value) {
    const absl::string_view text = Take(name);
    if (!absl::ParseDuration(text, value) || *value < low || *value > kTimeMax) {
      Wrong(absl::StrCat("'", name, "' is a duration like 0.25s"));
    }
  }
  void GetNodes(absl::string_view name, int n, std::vector<NodeId>* nodes) {
    for (const absl::string_view text : absl::StrSplit(Take(name), ',')) {
      NodeId node = 0;
      if (!absl::SimpleAtoi(text, &node) || node < 1 || node > static_cast<NodeId>(n)) {
        Wrong(absl::StrCat("'", name, "' names nodes from 1 to ", n));
      }
      nodes->push_back(node);
    }
  }
  bool Flag(absl::string_view name) {
    const bool has = Has(name);
    if (has && !Take(name).empty()) Wrong(absl::StrCat("'", name, "' takes no value"));
    return has;
  }

  // What was wrong first, also where a word was not asked for; empty: nothing.
  std::string Error() {
    if (!fields_.empty())
      Wrong(absl::StrCat("'", fields_.begin()->first, "' does not belong here"));
    return error_;
  }

 private:
  absl::string_view Take(absl::string_view name) {
    const auto it = fields_.find(name);
    if (it == fields_.end()) return "";
    const absl::string_view value = it->second;
    fields_.erase(it);
    return value;
  }
  void Wrong(std::string what) {
    if (error_.empty()) error_ = std::move(what);
  }

  std::map<absl::string_view, absl::string_view> fields_;
  std::string error_;
};

class Parser {
 public:
  absl::StatusOr<Schedule> Parse(absl::string_view text) {
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      ++line_;
      line = absl::StripAsciiWhitespace(line);
      if (line_ == 1 && line != kScheduleHead) {
        return Wrong(absl::StrCat("a schedule begins with '", kScheduleHead, "'"));
      }
      if (line_ == 1 || line.empty() || line[0] == '#') continue;
      const bool event = line[0] >= '0' && line[0] <= '9';
      const std::string error = event ? Event(line) : Setting(line);
      if (!error.empty()) return Wrong(error);
    }
    const std::string error = Whole();
    if (!error.empty()) return Wrong(error);
    return schedule_;
  }

 private:
  absl::Status Wrong(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("line ", line_, ": ", what));
  }

  static bool Number(absl::string_view text, int low, int high, int* value) {
    return absl::SimpleAtoi(text, value) && *value >= low && *value <= high;
  }

  // These return what is wrong, or nothing.
  std::string Setting(absl::string_view line) {
    ScheduleSetting& setting = schedule_.setting;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    const auto& [name, value] = parts;
    if (!schedule_.faults.empty() || !schedule_.operations.empty()) {
      return "settings stand before events";
    }
    bool good = !value.empty();
    if (name == "strategy") {
      setting.strategy = std::string(value);
      good = Known(setting.strategy);
    } else if (name == "planted") {
      setting.planted = std::string(value);
    } else if (name == "violates") {
      setting.violates = std::string(value);
    } else if (name == "emulate") {
      setting.emulate = std::string(value);
      good = EmulatedDelays::Parse(setting.emulate).ok();
    } else if (name == "expect") {
      setting.expect_linearizable = good = value == "linearizable";
    } else if (name == "write-mode") {
      good = value == WriteModeName(WriteMode::kLinearizable);
      setting.write_mode = WriteMode::kLinearizable;
    } else if (name == "durability") {
      good = ParseDurability(value, &setting.durability);
    } else if (name == "seed") {
      good = absl::SimpleAtoi(value, &setting.seed);
    } else if (name == "inner-seed") {
      good = absl::SimpleAtoi(value, &setting.inner_seed);
    } else if (name == "n") {
      good = Number(value, 1, kNodesMax, &setting.n);
    } else if (name == "w") {
      good = Number(value, 1, kNodesMax, &setting.w);
    } else if (name == "r") {
      good = Number(value, 1, kNodesMax, &setting.r);
    } else if (name == "leader") {
      good = absl::SimpleAtoi(value, &setting.leader);
    } else if (name == "loss") {
      good = Number(value, 0, 1000, &setting.loss_per_mille);
    } else if (name == "repeat") {
      good = Number(value, 0, 1000, &setting.repeat_per_mille);
    } else if (name == "keys") {
      good = Number(value, 1, kKeysMax, &setting.keys);
    } else if (name == "heal") {
      good = absl::ParseDuration(value, &schedule_.heal_at) &&
             schedule_.heal_at > absl::ZeroDuration() && schedule_.heal_at <= kTimeMax;
    } else {
      return absl::StrCat("there is no setting '", name, "'");
    }
    return good ? "" : absl::StrCat("'", value, "' cannot be the ", name);
  }

  static bool ParseDurability(absl::string_view name, std::optional<Durability>* durability) {
    for (const Durability one : {Durability::kMemory, Durability::kOs, Durability::kSynced}) {
      if (name == DurabilityName(one)) *durability = one;
    }
    return durability->has_value() && name == DurabilityName(**durability);
  }

  static bool Known(const std::string& strategy) {
    const std::vector<std::string> known = StrategyNames();
    return std::find(known.begin(), known.end(), strategy) != known.end();
  }

  std::string Event(absl::string_view line) {
    std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    absl::Duration at;
    if (!absl::ParseDuration(words[0], &at) || at > kTimeMax) {
      return absl::StrCat("'", words[0], "' is no time like 1.25s");
    }
    if (at < last_) return "events stand in order of time";
    last_ = at;
    if (words.size() < 2) return "nothing happens here";
    const absl::string_view what = words[1];
    words.erase(words.begin(), words.begin() + 2);
    const std::optional<FaultKind> fault = FaultKindOf(what);
    if (fault.has_value()) return FaultLine(at, *fault, words);
    return OperationLine(at, what, std::move(words));
  }

  std::string FaultLine(absl::Duration at, FaultKind kind,
                        const std::vector<absl::string_view>& words) {
    Fields fields(words);
    Fault fault;
    fault.at = at;
    fault.kind = kind;
    const int n = schedule_.setting.n;
    const bool group = kind == FaultKind::kPartition || kind == FaultKind::kOneWay;
    if (kind == FaultKind::kClog) {
      fields.GetNodes("from", n, &fault.nodes);
      fields.GetNodes("to", n, &fault.nodes);
    } else {
      fields.GetNodes(group ? "nodes" : "node", n, &fault.nodes);
    }
    if (kind == FaultKind::kClockJump) {
      fields.Get("by", -kTimeMax, &fault.amount);
    } else if (kind == FaultKind::kClog || kind == FaultKind::kSlowDisk) {
      fields.Get("by", absl::ZeroDuration(), &fault.amount);
    }
    if (kind != FaultKind::kClockJump) {
      fields.Get("for", absl::ZeroDuration(), &fault.length);
    }
    const size_t nodes = kind == FaultKind::kClog ? 2 : 1;
    if (fields.Error().empty() && !group && fault.nodes.size() != nodes) {
      return absl::StrCat("a ", FaultName(kind), " takes ", nodes, " node", nodes > 1 ? "s" : "");
    }
    if (kind == FaultKind::kClog && fault.nodes.front() == fault.nodes.back()) {
      return "'from' and 'to' are two nodes";
    }
    schedule_.faults.push_back(std::move(fault));
    return fields.Error();
  }

  std::string OperationLine(absl::Duration at, absl::string_view name,
                            std::vector<absl::string_view> words) {
    ScheduledOperation operation;
    operation.at = at;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(name, absl::MaxSplits('/', 1));
    if (!absl::StartsWith(name, "c") ||
        !Number(parts.first.substr(1), 0, kNumberMax, &operation.client) ||
        !Number(parts.second, 0, kNumberMax, &operation.number)) {
      return absl::StrCat("'", name, "' is neither a fault nor an operation like c3/7");
    }
    const absl::string_view kind = words.empty() ? "" : words[0];
    const auto& known = OperationWords();
    const auto word = std::find_if(known.begin(), known.end(),
                                   [kind](const OperationWord& w) { return kind == w.word; });
    if (word == known.end()) return absl::StrCat("there is no operation '", kind, "'");
    operation.kind = word->kind;
    words.erase(words.begin());
    Fields fields(words);
    const int n = schedule_.setting.n;
    int bytes = 0;
    int node = 0;
    fields.Get("key", 0, kKeysMax, &operation.key);
    fields.Get("node", 1, n, &node);
    if (operation.kind == OperationKind::kSet) fields.Get("bytes", 0, kBytesMax, &bytes);
    fields.Get("w", 1, n, &operation.w);
    fields.Get("r", 1, n, &operation.r);
    fields.Get("timeout", absl::ZeroDuration(), &operation.timeout);
    operation.with_context = fields.Flag("context");
    if (operation.kind == OperationKind::kGet) operation.linearizable = fields.Flag("linearizable");
    const bool local = operation.kind == OperationKind::kLocalRead;
    if (!local) operation.with_session = fields.Flag("session");
    if (!local && operation.kind != OperationKind::kGet && fields.Has("repeats")) {
      fields.GetNodes("repeats", n, &operation.repeats);
      if (fields.Has("gives-up")) {
        fields.Get("gives-up", absl::ZeroDuration(), &operation.give_up_after.emplace());
      }
    }
    if (fields.Has("cancel")) {
      fields.Get("cancel", absl::ZeroDuration(), &operation.cancel_after.emplace());
    }
    operation.node = static_cast<NodeId>(node);
    operation.value_bytes = static_cast<size_t>(bytes);
    schedule_.operations.push_back(std::move(operation));
    return fields.Error();
  }

  std::string Whole() const {
    const ScheduleSetting& setting = schedule_.setting;
    if (setting.strategy.empty()) return "'strategy' is missing";
    if (setting.n == 0 || setting.w == 0 || setting.r == 0) return "'n', 'w' or 'r' is missing";
    if (setting.w > setting.n || setting.r > setting.n) return "'w' and 'r' are at most n";
    if (setting.keys == 0) return "'keys' is missing";
    if (schedule_.heal_at == absl::ZeroDuration()) return "'heal' is missing";
    if (last_ > schedule_.heal_at) return "no event comes after 'heal'";
    const int majority = Majority(setting.n);
    if (setting.write_mode == WriteMode::kLinearizable &&
        (setting.w != majority || setting.r != majority ||
         !StrategyCanBeLinearizable(setting.strategy))) {
      return "'write-mode' linearizable is for strategies that know it, with a majority as w and r";
    }
    const bool has_leader = setting.leader != 0;
    if (has_leader != StrategyHasLeader(setting.strategy) ||
        setting.leader > static_cast<NodeId>(setting.n)) {
      return "'leader' is one of the nodes, of strategies that have a leader";
    }
    return "";
  }

  Schedule schedule_;
  absl::Duration last_;
  int line_ = 0;
};

}  // namespace

absl::StatusOr<Schedule> ParseSchedule(absl::string_view text) { return Parser().Parse(text); }

}  // namespace quorate::sim
