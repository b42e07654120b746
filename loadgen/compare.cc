#include "loadgen/compare.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

#include "loadgen/design_effect.h"
#include "loadgen/latency_windows.h"
#include "loadgen/verdict.h"

namespace quorate::loadgen {
namespace {

std::optional<double> Mean(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<double> ThroughputOf(const RunSummary& run) {
  return run.achieved.has_value() ? run.achieved : Mean(run.throughput);
}

ComparedRow CompareThroughput(const RunSummary& a, const RunSummary& b) {
  ComparedRow row;
  row.name = "throughput";
  row.unit = Unit::kPerSecond;
  row.a = ThroughputOf(a);
  row.b = ThroughputOf(b);
  if (const std::optional<WelchResult> test = WelchTest(a.throughput, b.throughput)) {
    row.difference = Estimate{test->difference, test->low, test->high};
    row.significant = test->p < 0.05;
  }
  return row;
}

// Of a row of which both estimates are known.
void SetDifference(const std::optional<Estimate>& a, const std::optional<Estimate>& b,
                   ComparedRow* row) {
  if (!a.has_value() || !b.has_value()) return;
  row->difference = DifferenceOf(*a, *b);
  row->significant = IsSignificant(*row->difference);
}

std::optional<Estimate> PercentileOf(const Distribution& distribution, double quantile,
                                     PercentileReach* reach) {
  const std::optional<double> value = distribution.Percentile(quantile);
  const std::optional<Distribution::Interval> interval = distribution.PercentileInterval(
      quantile, [reach](int64_t nanos) { return reach->At(nanos); });
  if (!value.has_value() || !interval.has_value()) return std::nullopt;
  return Estimate{*value, interval->low, interval->high};
}

// Latencies of a run that is void are largely its generator's own. So may those of one kind be.
bool IsVoid(const RunSummary& run, const std::string& kind) {
  return run.judgement == "void" || ForbidLatenciesOf(kind, run.reasons);
}

void ComparePercentiles(const std::string& kind, const RunSummary& run_a, const RunSummary& run_b,
                        Distribution RunSummary::*response, LatencyWindows RunWindows::*windows,
                        std::vector<ComparedRow>* rows) {
  const Distribution& a = run_a.*response;
  const Distribution& b = run_b.*response;
  const bool is_void = IsVoid(run_a, kind) || IsVoid(run_b, kind);
  std::optional<PercentileReach> reach_a;
  std::optional<PercentileReach> reach_b;
  if (run_a.windows.has_value() && run_b.windows.has_value()) {
    reach_a.emplace((*run_a.windows).*windows, (*run_b.windows).*windows);
    reach_b.emplace((*run_b.windows).*windows, (*run_a.windows).*windows);
  }
  for (const NamedQuantile& named : kFileQuantiles) {
    ComparedRow row;
    row.name = absl::StrCat(kind, " p", named.name);
    row.a = a.Percentile(named.quantile);
    row.b = b.Percentile(named.quantile);
    if (!row.a.has_value() && !row.b.has_value()) continue;
    row.is_void = is_void;
    if (!is_void && reach_a.has_value() && reach_b.has_value()) {
      const std::optional<Estimate> estimate_a = PercentileOf(a, named.quantile, &*reach_a);
      const std::optional<Estimate> estimate_b = PercentileOf(b, named.quantile, &*reach_b);
      SetDifference(estimate_a, estimate_b, &row);
    }
    rows->push_back(std::move(row));
  }
}

// What the intervals of a share of both runs must allow for. nullopt where too little is known.
std::optional<std::pair<Spread, Spread>> SpreadsOf(const RunSummary& a, const RunSummary& b,
                                                   std::vector<WindowCount> RunWindows::*windows) {
  if (!a.windows.has_value() || !b.windows.has_value()) return std::nullopt;
  const std::optional<DesignEffect> effect_a = EstimateDesignEffect((*a.windows).*windows);
  const std::optional<DesignEffect> effect_b = EstimateDesignEffect((*b.windows).*windows);
  if (!effect_a.has_value() || !effect_b.has_value()) return std::nullopt;
  const std::optional<Spread> spread_a = SpreadOf(*effect_a, *effect_b);
  const std::optional<Spread> spread_b = SpreadOf(*effect_b, *effect_a);
  if (!spread_a.has_value() || !spread_b.has_value()) return std::nullopt;
  return std::make_pair(*spread_a, *spread_b);
}

std::optional<double> ShareOf(const std::optional<ReadCount>& count) {
  if (!count.has_value() || count->reads == 0) return std::nullopt;
  return static_cast<double>(count->stale) / static_cast<double>(count->reads);
}

ComparedRow CompareShares(const std::string& name, const std::optional<ReadCount>& a,
                          const std::optional<ReadCount>& b,
                          const std::optional<std::pair<Spread, Spread>>& spreads) {
  ComparedRow row;
  row.name = name;
  row.unit = Unit::kShare;
  row.a = ShareOf(a);
  row.b = ShareOf(b);
  if (a.has_value() && b.has_value() && spreads.has_value()) {
    SetDifference(ShareEstimate(a->stale, a->reads, spreads->first),
                  ShareEstimate(b->stale, b->reads, spreads->second), &row);
  }
  return row;
}

std::vector<ComparedParameter> DifferentParameters(const RunSummary& a, const RunSummary& b) {
  std::set<std::string> names;
  for (const auto& [name, value] : a.parameters) names.insert(name);
  for (const auto& [name, value] : b.parameters) names.insert(name);
  const auto text = [](const RunSummary& run, const std::string& name) {
    const auto found = run.parameters.find(name);
    return found == run.parameters.end() ? std::string("not told") : found->second;
  };
  std::vector<ComparedParameter> different;
  for (const std::string& name : names) {
    ComparedParameter parameter{name, text(a, name), text(b, name)};
    if (parameter.a != parameter.b) different.push_back(std::move(parameter));
  }
  return different;
}

// In the unit that people read it in.
double Scaled(double value, Unit unit) {
  switch (unit) {
    case Unit::kPerSecond:
      return value;
    case Unit::kSeconds:
      return value * 1e3;
    case Unit::kShare:
      return value * 100;
  }
  return value;
}

const char* NameOf(Unit unit) {
  switch (unit) {
    case Unit::kPerSecond:
      return "/s";
    case Unit::kSeconds:
      return "ms";
    case Unit::kShare:
      return "%";
  }
  return "";
}

std::string Figure(const std::optional<double>& value, Unit unit) {
  if (!value.has_value()) return "-";
  return absl::StrFormat("%.4g %s", Scaled(*value, unit), NameOf(unit));
}

// " +12 % " beside the figures: what b is more than a.
std::string Change(const ComparedRow& row) {
  if (!row.a.has_value() || !row.b.has_value() || *row.a == 0) return "";
  return absl::StrFormat("%+.1f %%", (*row.b / *row.a - 1) * 100);
}

std::string Finding(const ComparedRow& row) {
  if (row.is_void) return "  not tested: void";
  if (!row.difference.has_value()) return "  not tested: too little is known";
  return absl::StrFormat("%s %+.3g to %+.3g %s", row.significant ? "*" : " ",
                         Scaled(row.difference->low, row.unit),
                         Scaled(row.difference->high, row.unit), NameOf(row.unit));
}

std::string Describe(const ComparedRun& run) {
  std::string text = run.path;
  if (run.missed > 0) absl::StrAppend(&text, "\n   ", run.missed, " operations were never sent");
  if (!run.tells_windows) {
    text += "\n   does not tell how it went over time, without which only throughput can be tested";
  }
  if (run.judgement == "void") {
    absl::StrAppend(
        &text, "\n   VOID, its latencies are not compared: ", absl::StrJoin(run.reasons, "; "));
    return text;
  }
  for (const std::string& reason : run.reasons) {
    if (ForbidLatenciesOf("read", {reason}) || ForbidLatenciesOf("write", {reason})) {
      absl::StrAppend(&text, "\n   ", reason);
    }
  }
  return text;
}

Json ToJson(const ComparedRun& run) {
  return {{"path", run.path},
          {"judgement", run.judgement.empty() ? Json(nullptr) : Json(run.judgement)},
          {"reasons", run.reasons},
          {"missed", run.missed},
          {"tells_windows", run.tells_windows}};
}

// Cuts long texts, such as lists of targets, to the table's columns.
std::string Short(const std::string& text, size_t columns) {
  if (text.size() <= columns) return text;
  return absl::StrCat(text.substr(0, columns - 3), "...");
}

}  // namespace

Comparison Compare(const RunSummary& a, const RunSummary& b) {
  Comparison comparison;
  const auto describe = [](const RunSummary& run) {
    return ComparedRun{run.path, run.judgement, run.reasons, run.missed, run.windows.has_value()};
  };
  comparison.a = describe(a);
  comparison.b = describe(b);
  comparison.parameters = DifferentParameters(a, b);
  std::vector<ComparedRow>& rows = comparison.rows;
  rows.push_back(CompareThroughput(a, b));
  const auto failed = [](const RunSummary& run) {
    if (!run.not_ok.has_value()) return std::optional<ReadCount>();
    return std::optional<ReadCount>(ReadCount{run.ok + *run.not_ok, *run.not_ok});
  };
  rows.push_back(CompareShares("failed operations", failed(a), failed(b),
                               SpreadsOf(a, b, &RunWindows::not_ok)));
  ComparePercentiles("write", a, b, &RunSummary::write_response, &RunWindows::write_response,
                     &rows);
  ComparePercentiles("read", a, b, &RunSummary::read_response, &RunWindows::read_response, &rows);
  rows.push_back(CompareShares("stale reads, strict", a.strict, b.strict,
                               SpreadsOf(a, b, &RunWindows::strict)));
  rows.push_back(
      CompareShares("stale reads, loose", a.loose, b.loose, SpreadsOf(a, b, &RunWindows::loose)));
  rows.push_back(CompareShares("inversions", a.inversions, b.inversions,
                               SpreadsOf(a, b, &RunWindows::inversions)));
  return comparison;
}

std::string FormatComparison(const Comparison& comparison) {
  std::string text =
      absl::StrCat("A: ", Describe(comparison.a), "\nB: ", Describe(comparison.b), "\n\n");
  if (comparison.parameters.empty()) {
    text += "Both ran with the same settings.\n\n";
  } else {
    text += "Settings that differ:\n";
    for (const ComparedParameter& parameter : comparison.parameters) {
      absl::StrAppendFormat(&text, "  %-24s %-30s %s\n", parameter.name, Short(parameter.a, 30),
                            Short(parameter.b, 30));
    }
    text += "\n";
  }
  absl::StrAppendFormat(&text, "  %-20s %13s %13s %10s    %s\n", "", "A", "B", "change",
                        "B - A, 95 % interval");
  for (const ComparedRow& row : comparison.rows) {
    absl::StrAppendFormat(&text, "  %-20s %13s %13s %10s  %s\n", row.name, Figure(row.a, row.unit),
                          Figure(row.b, row.unit), Change(row), Finding(row));
  }
  text +=
      "\n* more than chance within these two runs, at 95 %: of twenty rows that are the same in "
      "truth, one at most is\n  marked, on average. Intervals allow for stalls as far as the runs "
      "have "
      "seen any: repeat runs that are shorter\n  than what comes between a system's stalls.\n";
  return text;
}

Json ComparisonToJson(const Comparison& comparison) {
  const auto number = [](const std::optional<double>& value) {
    return value.has_value() ? NumberOrNull(*value) : Json(nullptr);
  };
  Json parameters = Json::array();
  for (const ComparedParameter& parameter : comparison.parameters) {
    parameters.push_back({{"name", parameter.name}, {"a", parameter.a}, {"b", parameter.b}});
  }
  Json rows = Json::array();
  for (const ComparedRow& row : comparison.rows) {
    const bool tested = row.difference.has_value();
    rows.push_back({{"name", row.name},
                    {"unit", row.unit == Unit::kPerSecond ? "1/s"
                             : row.unit == Unit::kSeconds ? "s"
                                                          : "share"},
                    {"a", number(row.a)},
                    {"b", number(row.b)},
                    {"difference", tested ? NumberOrNull(row.difference->value) : Json(nullptr)},
                    {"interval95", tested ? Json::array({NumberOrNull(row.difference->low),
                                                         NumberOrNull(row.difference->high)})
                                          : Json(nullptr)},
                    {"significant", tested ? Json(row.significant) : Json(nullptr)},
                    {"void", row.is_void}});
  }
  return {{"a", comparison.a.path},
          {"b", comparison.b.path},
          {"runs", {{"a", ToJson(comparison.a)}, {"b", ToJson(comparison.b)}}},
          {"different_settings", std::move(parameters)},
          {"rows", std::move(rows)}};
}

}  // namespace quorate::loadgen
