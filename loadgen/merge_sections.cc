#include "loadgen/merge_sections.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "loadgen/staleness.h"
#include "loadgen/window_recorder.h"

namespace quorate::loadgen {
namespace {

constexpr size_t kFailureMessages = 100;
constexpr const char* kJudgements[] = {"valid", "shared", "void"};  // the worst last

Json Share(const Sections& shares) {
  const uint64_t reads = SumOf(shares, "reads");
  const uint64_t stale = SumOf(shares, "stale");
  Json share = {{"reads", reads}, {"stale", stale}};
  const Interval interval = WilsonInterval(stale, reads);
  share["rate"] =
      reads == 0 ? Json(nullptr) : Json(static_cast<double>(stale) / static_cast<double>(reads));
  share["low"] = interval.low;
  share["high"] = interval.high;
  return share;
}

Json MergeByInterval(const Sections& lists) {
  std::map<double, std::pair<Json, Sections>> classes;  // by `from`; `to`, and the entries
  for (const Json* list : lists) {
    for (const Json& entry : *list) {
      const double from = NumberAt(entry, "from");
      if (std::isnan(from)) continue;
      auto& [to, entries] = classes[from];
      to = NumberOrNull(NumberAt(entry, "to"));
      entries.push_back(&entry);
    }
  }
  Json merged = Json::array();
  for (const auto& [from, rest] : classes) {
    const auto& [to, entries] = rest;
    Json entry = {{"from", from}, {"to", to}};
    const Json share = Share(entries);
    for (const char* name : {"reads", "stale", "low", "high"}) entry[name] = share[name];
    merged.push_back(std::move(entry));
  }
  return merged;
}

// Of lists of [value, count], the counts of like values.
Json MergeCounts(const Sections& lists) {
  std::map<uint64_t, uint64_t> counts;
  for (const Json* list : lists) {
    for (const Json& entry : *list) {
      if (!entry.is_array() || entry.size() != 2 || !entry[0].is_number_unsigned() ||
          !entry[1].is_number_unsigned()) {
        continue;
      }
      counts[entry[0].get<uint64_t>()] += entry[1].get<uint64_t>();
    }
  }
  Json merged = Json::array();
  for (const auto& [value, count] : counts) merged.push_back(Json::array({value, count}));
  return merged;
}

// Several windows as one.
Json MergeWindow(const Sections& windows, double start, double seconds) {
  Json merged = {{"start", start}, {"seconds", seconds}};
  for (const char* name : {"failed", "unknown", "judged", "stale", "loosely_stale", "inversions"}) {
    merged[name] = SumOf(windows, name);
  }
  for (const char* name : {"read_response", "write_response"}) {
    merged[name] = MergeCounts(ListsAt(windows, name));
  }
  return merged;
}

// Windows by the place of their middle on a grid of such a width.
using WindowGrid = std::map<int64_t, Sections>;

WindowGrid GridOf(const Sections& windows, const std::vector<double>& offsets, double width) {
  WindowGrid grid;
  for (size_t i = 0; i < windows.size(); ++i) {
    for (const Json& window : *windows[i]) {
      const double middle =
          NumberAt(window, "start") + NumberAt(window, "seconds") / 2 + offsets[i];
      grid[static_cast<int64_t>(std::floor(middle / width))].push_back(&window);
    }
  }
  return grid;
}

// The seconds of several files that began within the same second.
Json MergeSecond(const Sections& seconds, double start) {
  double length = 0;
  double longest = std::numeric_limits<double>::quiet_NaN();
  bool warm_up = false;
  for (const Json* second : seconds) {
    length = std::fmax(length, NumberAt(*second, "seconds"));
    longest = std::fmax(longest, NumberAt(*second, "max"));
    warm_up = warm_up || FlagAt(*second, "warm_up");
  }
  Json merged = {{"start", start}, {"seconds", length}, {"warm_up", warm_up}};
  for (const char* name : {"reads_ok", "writes_ok", "failed", "unknown", "stale"}) {
    merged[name] = SumOf(seconds, name);
  }
  for (const char* name : {"p50", "p99"}) {
    merged[name] = seconds.size() == 1 ? NumberOrNull(NumberAt(*seconds[0], name)) : Json(nullptr);
  }
  merged["max"] = NumberOrNull(longest);
  for (const char* name : {"in_flight", "offered"}) merged[name] = SumOf(seconds, name);
  return merged;
}

}  // namespace

Sections ObjectsAt(const Sections& sections, const std::string& name) {
  Sections members;
  for (const Json* section : sections) members.push_back(&ObjectAt(*section, name));
  return members;
}

Sections ListsAt(const Sections& sections, const std::string& name) {
  Sections members;
  for (const Json* section : sections) members.push_back(&ListAt(*section, name));
  return members;
}

uint64_t SumOf(const Sections& sections, const std::string& name) {
  uint64_t sum = 0;
  for (const Json* section : sections) sum += CountAt(*section, name);
  return sum;
}

absl::StatusOr<Json> MergeLatency(const Sections& latencies, const std::string& name,
                                  const HistogramEncoder& encoder) {
  Distribution sum;
  for (const Json* latency : latencies) {
    const absl::StatusOr<Distribution> part = Distribution::FromJson(*latency, name);
    if (!part.ok()) return part.status();
    const absl::Status added = sum.Add(*part);
    if (!added.ok()) return absl::InvalidArgumentError(absl::StrCat(name, ": ", added.message()));
  }
  return sum.ToJson(encoder);
}

absl::StatusOr<Json> MergeOperations(const Sections& operations, const HistogramEncoder& encoder) {
  std::vector<std::pair<std::string, std::string>> order;
  std::map<std::pair<std::string, std::string>, Sections> like;
  for (const Json* list : operations) {
    for (const Json& entry : *list) {
      const auto kind = std::make_pair(TextAt(entry, "operation"), TextAt(entry, "outcome"));
      if (like[kind].empty()) order.push_back(kind);
      like[kind].push_back(&entry);
    }
  }
  Json merged = Json::array();
  for (const auto& kind : order) {
    const Sections& entries = like[kind];
    Json entry = {
        {"operation", kind.first}, {"outcome", kind.second}, {"count", SumOf(entries, "count")}};
    for (const char* name : {"response", "service"}) {
      absl::StatusOr<Json> latency =
          MergeLatency(ObjectsAt(entries, name), absl::StrCat(kind.first, " ", name), encoder);
      if (!latency.ok()) return latency.status();
      entry[name] = *std::move(latency);
    }
    merged.push_back(std::move(entry));
  }
  return merged;
}

absl::StatusOr<Json> MergeStaleness(const Sections& staleness, const HistogramEncoder& encoder) {
  const Json strict = Share(ObjectsAt(staleness, "strict"));
  // Inversions are among the reads of `strict`; a file without it tells none (result_reader.h).
  Sections judged;
  std::copy_if(staleness.begin(), staleness.end(), std::back_inserter(judged), [](const Json* one) {
    const auto found = one->find("strict");
    return found != one->end() && found->is_object();
  });
  const Json loose = Share(ObjectsAt(staleness, "loose"));
  absl::StatusOr<Json> t = MergeLatency(ObjectsAt(staleness, "t"), "t", encoder);
  if (!t.ok()) return t.status();
  const Sections sessions = ObjectsAt(staleness, "sessions");
  return Json{
      {"strict", strict},
      {"loose", loose},
      {"difference",
       absl::StrFormat("Strictly stale are %d reads and loosely %d; each load generator knew only "
                       "what it had been acknowledged itself, so both are lower bounds.",
                       CountAt(strict, "stale"), CountAt(loose, "stale"))},
      {"k", MergeCounts(ListsAt(staleness, "k"))},
      {"t", *std::move(t)},
      {"by_interval", MergeByInterval(ListsAt(staleness, "by_interval"))},
      {"inversions", SumOf(judged, "inversions")},
      {"sessions",
       {{"monotonic_read", SumOf(sessions, "monotonic_read")},
        {"read_your_writes", SumOf(sessions, "read_your_writes")}}},
      {"absent", SumOf(staleness, "absent")},
      {"corrupt", SumOf(staleness, "corrupt")}};
}

absl::StatusOr<Json> MergeIntervals(const Sections& intervals, const HistogramEncoder& encoder) {
  Json merged = Json::object();
  for (const char* name : {"write_read", "read_write", "write_write", "read_read"}) {
    absl::StatusOr<Json> latency = MergeLatency(ObjectsAt(intervals, name), name, encoder);
    if (!latency.ok()) return latency.status();
    merged[name] = *std::move(latency);
  }
  return merged;
}

Json MergeSeries(const Sections& series, const std::vector<double>& offsets) {
  std::map<int64_t, std::pair<double, Sections>> seconds;  // the earliest start, and the entries
  for (size_t i = 0; i < series.size(); ++i) {
    for (const Json& entry : *series[i]) {
      const double start = NumberAt(entry, "start") + offsets[i];
      if (!(std::abs(start) < 1e12)) continue;
      auto& [earliest, entries] = seconds[std::llround(start)];
      earliest = entries.empty() ? start : std::min(earliest, start);
      entries.push_back(&entry);
    }
  }
  Json merged = Json::array();
  for (const auto& [second, rest] : seconds) {
    merged.push_back(MergeSecond(rest.second, rest.first));
  }
  return merged;
}

Json MergeWindows(const Sections& windows, const std::vector<double>& offsets) {
  double width = 0;
  for (size_t i = 0; i < windows.size(); ++i) {
    if (windows[i]->empty()) return Json::array();
    for (const Json& window : *windows[i]) {
      const double seconds = NumberAt(window, "seconds");
      // A grid of these has places that int64 can number.
      if (!(seconds >= 1e-3 && seconds < 1e12) ||
          !(std::abs(NumberAt(window, "start") + offsets[i]) < 1e12)) {
        return Json::array();
      }
      width = std::max(width, seconds);
    }
  }
  WindowGrid grid = GridOf(windows, offsets, width);
  while (grid.size() > kWindowsMax) {
    width *= 2;
    grid = GridOf(windows, offsets, width);
  }
  Json merged = Json::array();
  for (const auto& [place, entries] : grid) {
    merged.push_back(MergeWindow(entries, static_cast<double>(place) * width, width));
  }
  return merged;
}

Json MergeFailures(const Sections& failures) {
  std::map<std::string, uint64_t> counts;
  for (const Json* list : failures) {
    for (const Json& entry : *list) {
      const std::string message = TextAt(entry, "message");
      const bool known = counts.count(message) > 0 || counts.size() < kFailureMessages;
      counts[known ? message : "others"] += CountAt(entry, "count");
    }
  }
  Json merged = Json::array();
  for (const auto& [message, count] : counts) {
    merged.push_back({{"message", message}, {"count", count}});
  }
  return merged;
}

Json MergeVerdicts(const Sections& verdicts, const std::vector<std::string>& names) {
  size_t worst = 0;
  uint64_t exit_code = 0;
  Json reasons = Json::array();
  for (size_t i = 0; i < verdicts.size(); ++i) {
    const std::string judgement = TextAt(*verdicts[i], "judgement");
    for (size_t rank = 0; rank < std::size(kJudgements); ++rank) {
      if (judgement == kJudgements[rank]) worst = std::max(worst, rank);
    }
    exit_code = std::max(exit_code, CountAt(*verdicts[i], "exit_code"));
    for (const Json& reason : ListAt(*verdicts[i], "reasons")) {
      if (!reason.is_string()) continue;
      reasons.push_back(absl::StrCat(names[i], ": ", reason.get<std::string>()));
    }
  }
  return {
      {"judgement", kJudgements[worst]}, {"reasons", std::move(reasons)}, {"exit_code", exit_code}};
}

Json MergeRaw(const std::vector<RawList>& lists, uint64_t limit, std::mt19937_64* random,
              uint64_t* cut) {
  uint64_t all = 0;
  std::vector<uint64_t> left(lists.size());  // entries behind each list that are not drawn yet
  for (size_t i = 0; i < lists.size(); ++i) {
    left[i] = lists[i].kept->size() + lists[i].cut;
    all += left[i];
  }
  // How many of each list: as if the entries were drawn one by one from all that there were.
  std::vector<uint64_t> take(lists.size());
  uint64_t kept = 0;
  for (uint64_t undrawn = all; undrawn > 0 && kept < limit; --undrawn) {
    uint64_t ticket = (*random)() % undrawn;
    size_t i = 0;
    while (ticket >= left[i]) ticket -= left[i++];
    // A list that is shorter than its own file's limit promised has nothing more to give.
    if (take[i] == lists[i].kept->size()) break;
    --left[i];
    ++take[i];
    ++kept;
  }
  Json merged = Json::array();
  for (size_t i = 0; i < lists.size(); ++i) {
    // Selection sampling: each set of take[i] entries is as likely, and their order stays.
    uint64_t unseen = lists[i].kept->size();
    for (const Json& entry : *lists[i].kept) {
      if ((*random)() % unseen < take[i]) {
        merged.push_back(entry);
        --take[i];
      }
      --unseen;
    }
  }
  *cut = all - merged.size();
  return merged;
}

}  // namespace quorate::loadgen
