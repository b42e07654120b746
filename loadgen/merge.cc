#include "loadgen/merge.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

#include "loadgen/merge_sections.h"

namespace quorate::loadgen {
namespace {

// What may differ between the files: each generator offers its own part.
constexpr const char* kOwnParameters[] = {"workload.qps"};

constexpr const char* kRawLists[] = {"write_latencies", "read_latencies", "stale_reads",
                                     "read_write_intervals"};

// Of a run's time, in seconds since the first of all runs began.
struct Span {
  double start = 0;
  double end = 0;
};
using Spans = std::vector<Span>;

absl::Status CheckLike(const ResultDocument& first, const ResultDocument& other) {
  const absl::StatusOr<RunSummary> a = Summarize(first);
  if (!a.ok()) return a.status();
  const absl::StatusOr<RunSummary> b = Summarize(other);
  if (!b.ok()) return b.status();
  std::map<std::string, std::string> mine = a->parameters;
  std::map<std::string, std::string> theirs = b->parameters;
  for (const char* name : kOwnParameters) {
    mine.erase(name);
    theirs.erase(name);
  }
  std::vector<std::string> unlike;
  for (const auto& [name, value] : mine) {
    const auto found = theirs.find(name);
    const std::string their_value = found == theirs.end() ? "nothing" : found->second;
    if (their_value != value) {
      unlike.push_back(absl::StrCat(name, " (", value, " and ", their_value, ")"));
    }
  }
  for (const auto& [name, value] : theirs) {
    if (mine.count(name) == 0) unlike.push_back(absl::StrCat(name, " (nothing and ", value, ")"));
  }
  if (unlike.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(first.path, " and ", other.path, " are unlike: ", absl::StrJoin(unlike, ", ")));
}

absl::Status CheckAll(const std::vector<ResultDocument>& documents) {
  if (documents.size() < 2) {
    return absl::InvalidArgumentError("at least two result files are needed");
  }
  for (size_t i = 0; i < documents.size(); ++i) {
    if (documents[i].documented_only) {
      return absl::InvalidArgumentError(absl::StrCat(
          documents[i].path, " has no histograms, from which alone percentiles can be added up"));
    }
    for (size_t j = 0; j < i; ++j) {
      if (documents[i].json == documents[j].json) {
        return absl::InvalidArgumentError(
            absl::StrCat(documents[j].path, " and ", documents[i].path, " are the same run"));
      }
    }
    const absl::Status like = CheckLike(documents[0], documents[i]);
    if (!like.ok()) return like;
  }
  return absl::OkStatus();
}

// By how much each run began later than the first; all 0 where one of them does not tell.
std::vector<double> OffsetsOf(const Sections& runs) {
  std::vector<absl::Time> starts;
  for (const Json* run : runs) {
    absl::Time start;
    std::string error;
    if (!absl::ParseTime(absl::RFC3339_full, TextAt(*run, "started_at"), &start, &error)) {
      return std::vector<double>(runs.size(), 0);
    }
    starts.push_back(start);
  }
  const absl::Time first = *std::min_element(starts.begin(), starts.end());
  std::vector<double> offsets;
  for (const absl::Time start : starts) offsets.push_back(absl::ToDoubleSeconds(start - first));
  return offsets;
}

// As few spans as cover the same time, in order.
Spans Joined(Spans spans) {
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.start < b.start; });
  Spans joined;
  for (const Span& span : spans) {
    if (joined.empty() || span.start > joined.back().end) {
      joined.push_back(span);
    } else {
      joined.back().end = std::max(joined.back().end, span.end);
    }
  }
  return joined;
}

double LengthOf(const Spans& joined) {
  double length = 0;
  for (const Span& span : joined) length += span.end - span.start;
  return length;
}

// Adds a run's phases to those of that name.
void AddPhases(const Json& run, double offset, std::map<std::string, Spans>* phases) {
  for (const Json& phase : ListAt(run, "phases")) {
    const Span span{NumberAt(phase, "start") + offset, NumberAt(phase, "end") + offset};
    if (span.end >= span.start) (*phases)[TextAt(phase, "name")].push_back(span);
  }
}

// What several runs did at once, or without a break, is one phase. Breaks stay breaks: over these
// nothing was measured, which matters where the sum is added up again.
Json MergePhases(const Sections& runs, const std::vector<double>& offsets) {
  std::map<std::string, Spans> phases;
  for (size_t i = 0; i < runs.size(); ++i) AddPhases(*runs[i], offsets[i], &phases);
  std::vector<std::pair<double, Json>> merged;  // by start
  for (const auto& [name, spans] : phases) {
    for (const Span& span : Joined(spans)) {
      merged.emplace_back(span.start,
                          Json{{"name", name}, {"start", span.start}, {"end", span.end}});
    }
  }
  std::stable_sort(merged.begin(), merged.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  Json list = Json::array();
  for (auto& [start, phase] : merged) list.push_back(std::move(phase));
  return list;
}

// Each file's measured time, of which the sum of several runs may have many spans; none where it
// does not tell.
std::vector<Spans> MeasuredSpans(const Sections& runs, const std::vector<double>& offsets) {
  std::vector<Spans> measured;
  for (size_t i = 0; i < runs.size(); ++i) {
    std::map<std::string, Spans> phases;
    AddPhases(*runs[i], offsets[i], &phases);
    measured.push_back(Joined(phases["measure"]));
  }
  return measured;
}

// How long at least one of them lasted.
double LengthOfUnion(const std::vector<Spans>& measured) {
  Spans all;
  for (const Spans& spans : measured) all.insert(all.end(), spans.begin(), spans.end());
  return LengthOf(Joined(std::move(all)));
}

bool LengthsAreKnown(const std::vector<Spans>& measured) {
  return std::all_of(measured.begin(), measured.end(),
                     [](const Spans& spans) { return LengthOf(spans) > 0; });
}

// Of all runs together, over the time in which at least one of them measured.
Json MergeRates(const Sections& sections, const char* name, const std::vector<Spans>& measured) {
  const bool lengths_known = LengthsAreKnown(measured);
  const double together = LengthOfUnion(measured);
  double sum = 0;
  for (size_t i = 0; i < sections.size(); ++i) {
    const double part = lengths_known ? LengthOf(measured[i]) / together : 1;
    sum += NumberAt(*sections[i], name) * part;
  }
  return NumberOrNull(sum);
}

// What nodes counted during runs one after the other adds up. Runs at the same time saw the same
// counts, all but exactly: the first one's stand for all.
Json MergeServers(const Sections& roots, const std::vector<Spans>& measured) {
  // Nanoseconds may be lost.
  constexpr double kApart = 0.999;
  double lengths = 0;
  for (const Spans& spans : measured) lengths += LengthOf(spans);
  Json merged = ListAt(*roots[0], "servers");
  if (!LengthsAreKnown(measured) || LengthOfUnion(measured) < kApart * lengths) return merged;
  std::map<std::string, std::map<std::string, uint64_t>> sums;  // by node and counter
  for (const Json* root : roots) {
    for (const Json& server : ListAt(*root, "servers")) {
      std::map<std::string, uint64_t>& sum = sums[TextAt(server, "node")];
      const Json& counters = ObjectAt(server, "counters");
      for (const auto& [name, value] : counters.items())
        sum[name] += CountAt(counters, name.c_str());
    }
  }
  merged = Json::array();
  for (const auto& [node, counters] : sums)
    merged.push_back({{"node", node}, {"counters", counters}});
  return merged;
}

Json MergeTotals(const Sections& totals, const std::vector<Spans>& measured) {
  return {{"scheduled", SumOf(totals, "scheduled")},
          {"offered_per_second", MergeRates(totals, "offered_per_second", measured)},
          {"achieved_per_second", MergeRates(totals, "achieved_per_second", measured)},
          {"missed", SumOf(totals, "missed")},
          {"waited", SumOf(totals, "waited")}};
}

Json MergeStatistics(const Sections& statistics) {
  Json merged = Json::object();
  for (const char* name : {"total_writes", "total_reads", "total_stale_reads"}) {
    merged[name] = SumOf(statistics, name);
  }
  const auto mean = [&statistics](const char* average, const char* total) {
    double sum = 0;
    uint64_t count = 0;
    for (const Json* section : statistics) {
      const uint64_t weight = CountAt(*section, total);
      if (weight == 0) continue;  // its mean says nothing, and may be null
      sum += NumberAt(*section, average) * static_cast<double>(weight);
      count += weight;
    }
    return count == 0 ? Json(nullptr) : NumberOrNull(sum / static_cast<double>(count));
  };
  merged["write_avg_latency"] = mean("write_avg_latency", "total_writes");
  merged["read_avg_latency"] = mean("read_avg_latency", "total_reads");
  return merged;
}

// The first file's, but for what is the sum's own.
Json MergeRun(const Sections& runs, const std::vector<double>& offsets,
              const MergeOptions& options) {
  Json merged = *runs[0];
  merged["command"] = options.command;
  const size_t first = std::min_element(offsets.begin(), offsets.end()) - offsets.begin();
  merged["started_at"] = TextAt(*runs[first], "started_at");
  Json workload = ObjectAt(merged, "workload");
  workload["qps"] = MergeRates(ObjectsAt(runs, "workload"), "qps", MeasuredSpans(runs, offsets));
  workload["top_key_share"] = nullptr;
  workload["hottest_key_writes_per_second"] = nullptr;
  merged["workload"] = std::move(workload);
  merged["phases"] = MergePhases(runs, offsets);
  return merged;
}

void MergeRawLists(const Sections& roots, uint64_t seed, Json* merged) {
  const Sections samples = ObjectsAt(roots, "raw_samples");
  uint64_t limit = std::numeric_limits<uint64_t>::max();
  for (const Json* section : samples) limit = std::min(limit, CountAt(*section, "limit"));
  Json raw_samples = {{"limit", limit}};
  std::mt19937_64 random(seed);
  for (const char* name : kRawLists) {
    const std::string cut_name = absl::StrCat(name, "_cut");
    std::vector<RawList> lists;
    for (size_t i = 0; i < roots.size(); ++i) {
      lists.push_back(RawList{&ListAt(*roots[i], name), CountAt(*samples[i], cut_name)});
    }
    uint64_t cut = 0;
    (*merged)[name] = MergeRaw(lists, limit, &random, &cut);
    raw_samples[cut_name] = cut;
  }
  (*merged)["raw_samples"] = std::move(raw_samples);
}

// Sets the member, or returns what is wrong with it.
absl::Status Set(absl::StatusOr<Json> section, const char* name, Json* merged) {
  if (!section.ok()) return section.status();
  (*merged)[name] = *std::move(section);
  return absl::OkStatus();
}

// The sections with histograms.
absl::Status MergeHistograms(const Sections& roots, const HistogramEncoder& encoder, Json* merged) {
  absl::Status status =
      Set(MergeOperations(ListsAt(roots, "operations"), encoder), "operations", merged);
  if (!status.ok()) return status;
  status = Set(MergeLatency(ObjectsAt(roots, "send_lag"), "send_lag", encoder), "send_lag", merged);
  if (!status.ok()) return status;
  status = Set(MergeStaleness(ObjectsAt(roots, "staleness"), encoder), "staleness", merged);
  if (!status.ok()) return status;
  return Set(MergeIntervals(ObjectsAt(roots, "intervals"), encoder), "intervals", merged);
}

}  // namespace

absl::StatusOr<Json> MergeResults(const std::vector<ResultDocument>& documents,
                                  const MergeOptions& options) {
  const absl::Status valid = CheckAll(documents);
  if (!valid.ok()) return valid;
  Sections roots;
  std::vector<std::string> paths;
  for (const ResultDocument& document : documents) {
    roots.push_back(&document.json);
    paths.push_back(document.path);
  }
  const Sections runs = ObjectsAt(roots, "run");
  const std::vector<double> offsets = OffsetsOf(runs);

  Json merged = {{"schema", kResultSchema}, {"mode", TextAt(*roots[0], "mode")}};
  merged["statistics"] = MergeStatistics(ObjectsAt(roots, "statistics"));
  merged["verdict"] = MergeVerdicts(ObjectsAt(roots, "verdict"), paths);
  merged["run"] = MergeRun(runs, offsets, options);
  merged["totals"] = MergeTotals(ObjectsAt(roots, "totals"), MeasuredSpans(runs, offsets));
  const absl::Status histograms = MergeHistograms(roots, options.encoder, &merged);
  if (!histograms.ok()) return histograms;
  merged["prediction"] = nullptr;
  merged["series"] = MergeSeries(ListsAt(roots, "series"), offsets);
  merged["windows"] = MergeWindows(ListsAt(roots, "windows"), offsets);
  merged["failures"] = MergeFailures(ListsAt(roots, "failures"));
  merged["servers"] = MergeServers(roots, MeasuredSpans(runs, offsets));
  MergeRawLists(roots, options.seed, &merged);
  return merged;
}

std::string FormatMerged(const Json& merged) {
  std::string text = "{";
  for (const auto& [name, section] : merged.items()) {
    absl::StrAppend(&text, text.size() == 1 ? "\n" : ",\n", "\"", name, "\": ",
                    section.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace));
  }
  text += "\n}\n";
  return text;
}

}  // namespace quorate::loadgen
