#include "loadgen/compare.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace quorate::loadgen {
namespace {

std::optional<double> Mean(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

ComparedRow CompareThroughput(const RunSummary& a, const RunSummary& b) {
  ComparedRow row;
  row.name = "throughput";
  row.unit = Unit::kPerSecond;
  row.a = Mean(a.throughput);
  row.b = Mean(b.throughput);
  if (const std::optional<WelchResult> test = WelchTest(a.throughput, b.throughput)) {
    row.difference = Estimate{test->difference, test->low, test->high};
    row.significant = test->p < 0.05;
  }
  return row;
}

// By how much an interval that takes durations for independent must be widened.
double Widening(const RunSummary& run, double quantile) {
  const std::vector<double>& seconds = quantile < 0.75 ? run.p50 : run.p99;
  if (seconds.size() < 4) return 1;
  return std::sqrt(static_cast<double>(seconds.size()) / EffectiveSampleSize(seconds));
}

std::optional<Estimate> PercentileOf(const Distribution& distribution, const RunSummary& run,
                                     double quantile) {
  const std::optional<double> value = distribution.Percentile(quantile);
  const std::optional<Distribution::Interval> interval = distribution.PercentileInterval(quantile);
  if (!value.has_value() || !interval.has_value()) return std::nullopt;
  const double widening = Widening(run, quantile);
  return Estimate{*value, *value - widening * (*value - interval->low),
                  *value + widening * (interval->high - *value)};
}

// Latencies of a run that is void are largely its generator's own.
bool IsVoid(const RunSummary& run) { return run.judgement == "void"; }

void ComparePercentiles(const std::string& kind, const Distribution& a, const RunSummary& run_a,
                        const Distribution& b, const RunSummary& run_b,
                        std::vector<ComparedRow>* rows) {
  for (const NamedQuantile& named : kFileQuantiles) {
    ComparedRow row;
    row.name = absl::StrCat(kind, " p", named.name);
    row.a = a.Percentile(named.quantile);
    row.b = b.Percentile(named.quantile);
    if (!row.a.has_value() && !row.b.has_value()) continue;
    const std::optional<Estimate> estimate_a = PercentileOf(a, run_a, named.quantile);
    const std::optional<Estimate> estimate_b = PercentileOf(b, run_b, named.quantile);
    row.is_void = IsVoid(run_a) || IsVoid(run_b);
    if (!row.is_void && estimate_a.has_value() && estimate_b.has_value()) {
      row.difference = DifferenceOf(*estimate_a, *estimate_b);
      row.significant = IsSignificant(*row.difference);
    }
    rows->push_back(std::move(row));
  }
}

ComparedRow CompareShares(const std::string& name, const std::optional<ReadCount>& a,
                          const std::optional<ReadCount>& b) {
  ComparedRow row;
  row.name = name;
  row.unit = Unit::kShare;
  const auto estimate = [](const std::optional<ReadCount>& count) {
    return count.has_value() ? ShareEstimate(count->stale, count->reads) : std::nullopt;
  };
  const std::optional<Estimate> first = estimate(a);
  const std::optional<Estimate> second = estimate(b);
  if (first.has_value()) row.a = first->value;
  if (second.has_value()) row.b = second->value;
  if (first.has_value() && second.has_value()) {
    row.difference = DifferenceOf(*first, *second);
    row.significant = IsSignificant(*row.difference);
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

std::string Verdict(const ComparedRow& row) {
  if (row.is_void) return "  not tested: void";
  if (!row.difference.has_value()) return "  not tested: too little is known";
  return absl::StrFormat("%s %+.3g to %+.3g %s", row.significant ? "*" : " ",
                         Scaled(row.difference->low, row.unit),
                         Scaled(row.difference->high, row.unit), NameOf(row.unit));
}

std::string Describe(const ComparedRun& run) {
  std::string text = run.path;
  if (run.missed > 0) absl::StrAppend(&text, "\n   ", run.missed, " operations were never sent");
  if (run.judgement == "void") {
    absl::StrAppend(
        &text, "\n   VOID, its latencies are not compared: ", absl::StrJoin(run.reasons, "; "));
  }
  return text;
}

Json ToJson(const ComparedRun& run) {
  return {{"path", run.path},
          {"judgement", run.judgement.empty() ? Json(nullptr) : Json(run.judgement)},
          {"reasons", run.reasons},
          {"missed", run.missed}};
}

// Cuts long texts, such as lists of targets, to the table's columns.
std::string Short(const std::string& text, size_t columns) {
  if (text.size() <= columns) return text;
  return absl::StrCat(text.substr(0, columns - 3), "...");
}

}  // namespace

Comparison Compare(const RunSummary& a, const RunSummary& b) {
  Comparison comparison;
  comparison.a = ComparedRun{a.path, a.judgement, a.reasons, a.missed};
  comparison.b = ComparedRun{b.path, b.judgement, b.reasons, b.missed};
  comparison.parameters = DifferentParameters(a, b);
  std::vector<ComparedRow>& rows = comparison.rows;
  rows.push_back(CompareThroughput(a, b));
  const auto failed = [](const RunSummary& run) {
    if (!run.not_ok.has_value()) return std::optional<ReadCount>();
    return std::optional<ReadCount>(ReadCount{run.ok + *run.not_ok, *run.not_ok});
  };
  rows.push_back(CompareShares("failed operations", failed(a), failed(b)));
  ComparePercentiles("write", a.write_response, a, b.write_response, b, &rows);
  ComparePercentiles("read", a.read_response, a, b.read_response, b, &rows);
  rows.push_back(CompareShares("stale reads, strict", a.strict, b.strict));
  rows.push_back(CompareShares("stale reads, loose", a.loose, b.loose));
  rows.push_back(CompareShares("inversions", a.inversions, b.inversions));
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
                          Figure(row.b, row.unit), Change(row), Verdict(row));
  }
  text +=
      "\n* more than chance within these two runs, at 95 %: of twenty rows that are the same in "
      "truth, "
      "about one is\n  marked. Stalls come in bursts, and two runs hold few of them: repeat runs "
      "before a percentile or a share of\n  failures that a stall has made counts for a system.\n";
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
