#include "tests/sim/diagram.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

#include "tests/sim/message_text.h"

namespace quorate::sim {
namespace {

constexpr size_t kWidth = 120;
constexpr size_t kTimeWidth = 11;
constexpr size_t kTextMin = 40;
constexpr size_t kRowsMax = 400;
constexpr size_t kRowsLast = 250;

// Where a row's line begins and ends: a client or a node.
struct Place {
  bool node = false;
  int number = 0;

  friend bool operator<(const Place& a, const Place& b) {
    return std::make_pair(a.node, a.number) < std::make_pair(b.node, b.number);
  }
};

enum class Mark { kArrow, kLost, kPoint, kLine };

struct Row {
  MonotonicTime at;
  Mark mark = Mark::kPoint;
  std::vector<Place> places;  // kArrow, kLost: from, to; kPoint: all that are marked
  std::string text;
};

class Drawing {
 public:
  Drawing(const RunResult& run, const MessageLog& messages)
      : run_(run), messages_(messages), text_(*run.history, messages) {}

  std::string Draw() {
    Limit();
    rows_.push_back({run_.healed_at, Mark::kLine, {}, "healed: all faults end, all nodes run"});
    AddFaults();
    AddEvents();
    AddCalls();
    AddMessages();
    AddAnswers();
    std::stable_sort(rows_.begin(), rows_.end(),
                     [](const Row& a, const Row& b) { return a.at < b.at; });
    return Render();
  }

 private:
  // The time to show, and which operations of the final phase.
  void Limit() {
    begin_ = run_.healed_at;
    if (!run_.schedule.faults.empty()) begin_ = std::min(begin_, run_.schedule.faults[0].at);
    if (!run_.schedule.operations.empty()) {
      begin_ = std::min(begin_, run_.schedule.operations[0].at);
    }
    end_ = run_.healed_at;
    for (const Violation& violation : run_.report.violations) {
      const std::string& shown = run_.schedule.setting.violates;
      if (!shown.empty() && violation.property != shown) continue;
      for (const size_t index : violation.operations) {
        involved_.insert(index);
        end_ = std::max(end_, run_.history->operations()[index].ended_at);
      }
    }
    for (const HistoryOperation& operation : run_.history->operations()) {
      if (!operation.final_phase) continue;
      final_from_ = std::min(final_from_, operation.called_at);
    }
    if (involved_.empty()) end_ = std::max(end_, std::min(final_from_, run_.virtual_time));
  }

  bool Shown(MonotonicTime at) const {
    if (at < begin_ || at > end_) return false;
    if (at < final_from_) return true;
    return std::any_of(involved_.begin(), involved_.end(), [this, at](size_t index) {
      const HistoryOperation& operation = run_.history->operations()[index];
      return at >= operation.called_at && at <= operation.ended_at;
    });
  }
  bool ShowsOperation(size_t index) const {
    return !run_.history->operations()[index].final_phase || involved_.count(index) > 0;
  }

  void Add(MonotonicTime at, Mark mark, std::vector<Place> places, std::string text) {
    if (!Shown(at)) return;
    for (const Place& place : places) columns_.emplace(place, 0);
    rows_.push_back({at, mark, std::move(places), std::move(text)});
  }

  static Place Node(NodeId node) { return {true, static_cast<int>(node)}; }

  void AddFaults() {
    for (const Fault& fault : run_.schedule.faults) {
      std::vector<Place> places;
      for (const NodeId node : fault.nodes) places.push_back(Node(node));
      const std::string text = ToText(fault);
      const std::string what = text.substr(text.find(' ') + 1);
      Add(fault.at, Mark::kPoint, places, absl::StrCat("FAULT ", what));
      const bool mends = fault.kind == FaultKind::kPartition || fault.kind == FaultKind::kOneWay ||
                         fault.kind == FaultKind::kClog || fault.kind == FaultKind::kPause ||
                         fault.kind == FaultKind::kSlowDisk || fault.kind == FaultKind::kFullDisk;
      if (mends && fault.at + fault.length < run_.healed_at) {
        Add(fault.at + fault.length, Mark::kPoint, places,
            absl::StrCat("over: ", FaultName(fault.kind)));
      }
    }
  }

  void AddEvents() {
    const bool shows_syncs = run_.history->setting().durability == Durability::kSynced;
    for (const HistoryEvent& event : run_.history->events()) {
      std::string text;
      switch (event.kind) {
        case EventKind::kStart:
          text = "starts";
          break;
        case EventKind::kServing:
          text = "knows its past: its reads count";
          break;
        case EventKind::kCrash:
          text = "is gone";
          break;
        case EventKind::kForgot:
          text = absl::StrCat("loses ", quorate::sim::Shown(event.key), ", keeps ",
                              text_.Of(event.version));
          break;
        case EventKind::kDurable:
          if (!shows_syncs) continue;
          text = absl::StrCat("synced: ", quorate::sim::Shown(event.key), " ",
                              text_.Of(event.version));
          break;
        default:
          continue;
      }
      Add(event.at, Mark::kPoint, {Node(event.node)}, std::move(text));
    }
  }

  // In a schedule a client's operations come in the order in which it issues them.
  std::string NameOf(const HistoryOperation& operation) {
    if (operation.final_phase) return "final";
    size_t place = issued_[operation.client]++;
    for (const ScheduledOperation& scheduled : run_.schedule.operations) {
      if (scheduled.client == operation.client && place-- == 0) return scheduled.Name();
    }
    return absl::StrCat("c", operation.client);
  }

  void AddCalls() {
    const auto& operations = run_.history->operations();
    for (size_t i = 0; i < operations.size(); ++i) {
      const HistoryOperation& operation = operations[i];
      names_.push_back(NameOf(operation));
      if (!ShowsOperation(i)) continue;
      const Operation& asked = operation.operation;
      std::string text =
          absl::StrCat(names_[i], ": ", KindName(asked.kind), " ", quorate::sim::Shown(asked.key));
      if (asked.kind == OperationKind::kSet) {
        absl::StrAppend(&text, "=", MessageText::Value(asked.value));
      }
      if (asked.w.has_value()) absl::StrAppend(&text, " w=", *asked.w);
      if (asked.r.has_value()) absl::StrAppend(&text, " r=", *asked.r);
      if (!operation.context.empty()) {
        absl::StrAppend(&text, " having seen ", text_.Of(operation.context));
      }
      Add(operation.called_at, Mark::kArrow, {{false, operation.client}, Node(operation.node)},
          std::move(text));
    }
  }

  void AddAnswers() {
    const auto& operations = run_.history->operations();
    for (size_t i = 0; i < operations.size(); ++i) {
      const HistoryOperation& operation = operations[i];
      if (operation.outcome == Outcome::kOpen || !ShowsOperation(i)) continue;
      std::string text = absl::StrCat(names_[i], ": ");
      if (operation.outcome != Outcome::kEnded) {
        absl::StrAppend(&text, operation.outcome == Outcome::kRefused ? "the node is down"
                                                                      : "the node is gone");
      } else if (!operation.ok()) {
        absl::StrAppend(&text, absl::StatusCodeToString(operation.result.status.code()),
                        operation.result.may_have_applied ? ", may have happened" : "");
      } else {
        absl::StrAppend(
            &text, "OK ",
            operation.result.record.has_value() ? text_.Of(*operation.result.record) : "nothing",
            " (", operation.result.answers, " of ", operation.result.required, ")");
      }
      if (involved_.count(i) > 0) absl::StrAppend(&text, "  <== violation");
      Add(operation.ended_at, Mark::kArrow, {Node(operation.node), {false, operation.client}},
          std::move(text));
    }
  }

  void AddMessages() {
    std::map<std::pair<NodeId, NodeId>, std::set<std::string>> last;
    for (const MessageLog::Sent& sent : messages_.sent()) {
      std::vector<std::string> parts;
      for (const std::string& bytes : sent.batch->messages()) {
        peer::v1::Message message;
        if (!message.ParseFromString(bytes)) continue;
        // Followers repeat to each other what they acknowledge to the leader.
        if (message.has_pong() && sent.to != run_.schedule.setting.leader) continue;
        std::string part = text_.Of(sent.from, sent.to, message);
        const bool repeats = message.has_ping() || message.has_pong() || message.has_compare() ||
                             message.has_compare_reply();
        if (part.empty()) continue;
        // Told before, and nothing else of its kind since.
        const std::string kind = part.substr(0, 4);
        std::set<std::string>& told = last[{sent.from, sent.to}];
        if (repeats && told.count(part) > 0) continue;
        for (auto it = told.begin(); it != told.end();) {
          it = it->substr(0, 4) == kind ? told.erase(it) : std::next(it);
        }
        told.insert(part);
        parts.push_back(std::move(part));
      }
      if (parts.empty()) continue;
      const std::string text = absl::StrJoin(parts, "; ");
      const std::vector<Place> places = {Node(sent.from), Node(sent.to)};
      if (sent.received.empty()) Add(sent.at, Mark::kLost, places, absl::StrCat("(lost) ", text));
      for (const MonotonicTime at : sent.received) {
        Add(at, Mark::kArrow, places,
            absl::StrFormat("%s [%.1f ms]", text, absl::ToDoubleMilliseconds(at - sent.at)));
      }
    }
  }

  std::string Render() {
    for (NodeId node = 1; node <= static_cast<NodeId>(run_.schedule.setting.n); ++node) {
      columns_.emplace(Node(node), 0);
    }
    // With many columns lines become longer than the usual width.
    const size_t most = (kWidth - kTimeWidth - kTextMin) / columns_.size();
    cell_ = std::clamp<size_t>(most, 3, 7);
    size_t next = 0;
    std::string head(columns_.size() * cell_, ' ');
    for (auto& [place, center] : columns_) {
      center = next++ * cell_ + cell_ / 2;
      const std::string name = Name(place).substr(0, cell_);
      head.replace(center - name.size() / 2, name.size(), name);
    }
    std::string picture =
        absl::StrCat(Legend(), absl::StrFormat("%*s %s\n", kTimeWidth - 1, "seconds", head));
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (rows_.size() > kRowsMax && i == kRowsMax - kRowsLast) {
        const size_t left_out = rows_.size() - kRowsMax;
        absl::StrAppend(&picture, "  ... ", left_out, " rows are left out ...\n");
        i += left_out;
      }
      picture += Line(rows_[i]);
    }
    return picture;
  }

  std::string Legend() const {
    const NodeId leader = run_.schedule.setting.leader;
    return absl::StrCat(
        "c1 is a client, n1 a node", leader == 0 ? "" : absl::StrCat(" (n", leader, " leads)"),
        ", end who reads and writes after healing. An arrow stands where a message is\n"
        "taken up; [1.5 ms] is how long it was under way. k1=c2/3: key k1 has the value that "
        "operation c2/3 gave it.\n",
        leader == 0 ? "{n1:2}: the second write that n1 gave this key; n1' is n1 after it has "
                      "forgotten.\n"
                    : "e1#2: the second write of the first epoch.\n",
        "# is a fault, * what a node does, x a message that is lost.\n\n");
  }

  static std::string Name(const Place& place) {
    if (place.node) return absl::StrCat("n", place.number);
    return place.number < 0 ? "end" : absl::StrCat("c", place.number);
  }

  std::string Line(const Row& row) const {
    std::string lanes(columns_.size() * cell_, row.mark == Mark::kLine ? '=' : ' ');
    if (row.mark != Mark::kLine) {
      for (const auto& [place, center] : columns_) lanes[center] = '|';
    }
    if (row.mark == Mark::kPoint) {
      const bool fault = row.text.rfind("FAULT", 0) == 0;
      for (const Place& place : row.places) lanes[columns_.at(place)] = fault ? '#' : '*';
    }
    if (row.mark == Mark::kArrow || row.mark == Mark::kLost) {
      const size_t from = columns_.at(row.places[0]);
      const size_t to = columns_.at(row.places[1]);
      for (size_t i = std::min(from, to) + 1; i < std::max(from, to); ++i) lanes[i] = '-';
      lanes[from] = 'o';
      lanes[from < to ? to - 1 : to + 1] = row.mark == Mark::kLost ? 'x' : (from < to ? '>' : '<');
    }
    const std::string lead =
        absl::StrFormat("%*.6f %s ", kTimeWidth - 1, absl::ToDoubleSeconds(row.at), lanes);
    std::string blank(lead.size(), ' ');
    for (const auto& [place, center] : columns_) blank[kTimeWidth + center] = '|';
    return Wrapped(lead, blank, row.text);
  }

  // The text beside the lanes, on as many lines as it needs.
  static std::string Wrapped(const std::string& lead, const std::string& blank,
                             const std::string& text) {
    const size_t room = std::max(kTextMin, kWidth - std::min(kWidth, lead.size()));
    std::string lines;
    size_t at = 0;
    do {
      size_t length = std::min(room, text.size() - at);
      if (at + length < text.size()) {
        const size_t space = text.rfind(' ', at + length);
        if (space != std::string::npos && space > at) length = space - at;
      }
      absl::StrAppend(&lines, at == 0 ? lead : blank, text.substr(at, length), "\n");
      at += length;
      while (at < text.size() && text[at] == ' ') ++at;
    } while (at < text.size());
    return lines;
  }

  const RunResult& run_;
  const MessageLog& messages_;
  MessageText text_;
  MonotonicTime begin_;
  MonotonicTime end_;
  MonotonicTime final_from_ = absl::InfiniteDuration();
  std::set<size_t> involved_;
  std::vector<std::string> names_;
  std::map<int, size_t> issued_;  // operations by client, so far
  std::map<Place, size_t> columns_;
  size_t cell_ = 0;
  std::vector<Row> rows_;
};

}  // namespace

std::string Diagram(const RunResult& run, const MessageLog& messages) {
  return Drawing(run, messages).Draw();
}

}  // namespace quorate::sim
