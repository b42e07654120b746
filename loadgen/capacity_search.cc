#include "loadgen/capacity_search.h"

#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

#include "loadgen/percentile_interval.h"

namespace quorate::loadgen {
namespace {

double Share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string Percent(double share) { return absl::StrFormat("%.3g %%", share * 100); }

std::string Milliseconds(Nanos nanos) {
  return absl::StrFormat("%.4g ms", static_cast<double>(nanos) / 1e6);
}

CapacityOptions Corrected(CapacityOptions options) {
  // Written so that what is not a number is replaced, too.
  if (!(options.least_rate > 0)) options.least_rate = 1e-3;
  if (!(options.greatest_rate >= options.least_rate)) options.greatest_rate = options.least_rate;
  if (!(options.first_rate >= options.least_rate)) options.first_rate = options.least_rate;
  options.first_rate = std::min(options.first_rate, options.greatest_rate);
  if (!(options.growth >= 1.01)) options.growth = 1.01;
  if (!(options.precision >= 1e-4)) options.precision = 1e-4;
  options.confirmation_windows = std::max(options.confirmation_windows, 1);
  options.steps = std::max(options.steps, 1);
  return options;
}

// The name without dashes and, behind a '=', the value; an empty name where it is no flag.
struct Flag {
  absl::string_view name;
  std::optional<absl::string_view> value;
};

Flag SplitFlag(absl::string_view argument) {
  Flag flag;
  if (!absl::ConsumePrefix(&argument, "-")) return flag;
  absl::ConsumePrefix(&argument, "-");
  const size_t equals = argument.find('=');
  flag.name = argument.substr(0, equals);
  if (equals != absl::string_view::npos) flag.value = argument.substr(equals + 1);
  return flag;
}

template <typename T>
absl::Status SetGoal(absl::string_view name, const absl::StatusOr<T>& value,
                     std::optional<T>* goal) {
  if (!value.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("-", name, ": ", value.status().message()));
  }
  if (goal->has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("-", name, " is given twice"));
  }
  *goal = *value;
  return absl::OkStatus();
}

constexpr double kUnansweredAboveP99 = 0.01;
// With so many operations a p99 is told, even where a few are not answered.
constexpr double kOperationsForP99 = 105.0 * kSamplesAbovePercentile;

}  // namespace

std::string CapacityGoals::ToString() const {
  std::vector<std::string> goals;
  if (p99.has_value()) goals.push_back(absl::StrCat("p99 <= ", Milliseconds(*p99)));
  if (stale_share.has_value()) goals.push_back(absl::StrCat("stale <= ", Percent(*stale_share)));
  if (errors_share.has_value()) goals.push_back(absl::StrCat("errors <= ", Percent(*errors_share)));
  return absl::StrJoin(goals, ", ");
}

CapacityVerdict Judge(const CapacityGoals& goals, const CapacityMeasurement& measured) {
  CapacityVerdict verdict;
  const auto miss = [&verdict](std::string reason) {
    verdict.reasons.push_back(std::move(reason));
  };
  if (measured.ended_ok == 0) miss("nothing was answered");
  if (goals.p99.has_value() && measured.p99.has_value() && *measured.p99 > *goals.p99) {
    miss(absl::StrCat("p99 was ", Milliseconds(*measured.p99), ", not ", Milliseconds(*goals.p99)));
  }
  if (goals.stale_share.has_value() && measured.reads == 0) {
    miss("no read was judged, so nothing is known of stale ones");
  }
  const double stale = Share(measured.stale, measured.reads);
  if (goals.stale_share.has_value() && stale > *goals.stale_share) {
    miss(absl::StrCat(Percent(stale), " of reads were stale, not ", Percent(*goals.stale_share)));
  }
  const double errors = Share(measured.errors, measured.operations);
  // Of every hundred operations the slowest may be left out, and what was not answered is slower.
  if (goals.p99.has_value() && errors > kUnansweredAboveP99) {
    miss(absl::StrCat("p99 is not known: ", Percent(errors), " of operations failed"));
  } else if (goals.p99.has_value() && !measured.p99.has_value()) {
    miss("p99 is not known: too few operations were answered");
  }
  if (goals.errors_share.has_value() && errors > *goals.errors_share) {
    miss(
        absl::StrCat(Percent(errors), " of operations failed, not ", Percent(*goals.errors_share)));
  }
  const double achieved = Share(measured.ended_ok + measured.errors, measured.operations);
  if (measured.operations > 0 && achieved < goals.achieved_share) {
    miss(absl::StrCat("only ", Percent(achieved), " of the offered operations were done"));
  }
  if (!measured.generator_healthy) {
    verdict.generator_failed = true;
    miss("the load generator could not keep up");
  }
  verdict.passed = verdict.reasons.empty();
  return verdict;
}

double LeastTellingRate(const CapacityGoals& goals, int window_seconds) {
  const double least = CapacityOptions().least_rate;
  if (!goals.p99.has_value()) return least;
  return std::max(least, std::ceil(kOperationsForP99 / std::max(window_seconds, 1)));
}

absl::Status CheckGoalsCanBeJudged(const CapacityGoals& goals, double write_ratio) {
  if (goals.stale_share.has_value() && write_ratio >= 1) {
    return absl::InvalidArgumentError(
        "-stale is a goal of reads, and with --write_ratio=1 there are none");
  }
  return absl::OkStatus();
}

std::string CapacityResult::ToString() const {
  std::string text = confirmed_rate.has_value()
                         ? absl::StrFormat("%.0f operations a second, confirmed", *confirmed_rate)
                         : std::string("no rate was confirmed");
  if (failing_rate.has_value()) {
    absl::StrAppendFormat(&text, "; %.0f failed: %s", *failing_rate,
                          absl::StrJoin(failing_reasons, ", "));
    if (limited_by_generator) text += " (so the limit is the load generator's)";
  } else if (confirmed_rate.has_value()) {
    text += "; no higher rate was tried";
  }
  if (out_of_steps) absl::StrAppend(&text, "; the search was given up after ", steps, " steps");
  return text;
}

CapacitySearch::CapacitySearch(const CapacityOptions& options) : options_(Corrected(options)) {
  GoTo(CapacityPhase::kRamp, options_.first_rate);
}

std::optional<CapacityStep> CapacitySearch::Next() const { return step_; }

void CapacitySearch::GoTo(CapacityPhase phase, double rate) {
  const int windows = phase == CapacityPhase::kConfirm ? options_.confirmation_windows : 1;
  step_ = CapacityStep{phase, rate, windows, /*again=*/false};
}

void CapacitySearch::Report(const CapacityVerdict& verdict) {
  if (!step_.has_value()) return;
  ++result_.steps;
  if (verdict.passed) {
    OnPassed();
  } else if (!step_->again) {
    step_->again = true;
  } else {
    OnFailed(verdict);
  }
  if (step_.has_value() && result_.steps >= options_.steps) {
    result_.out_of_steps = true;
    End();
  }
}

void CapacitySearch::OnPassed() {
  const double rate = step_->rate;
  if (step_->phase == CapacityPhase::kConfirm) {
    result_.confirmed_rate = rate;
    return End();
  }
  passed_.insert(rate);
  if (step_->phase == CapacityPhase::kRamp && !result_.failing_rate.has_value() &&
      rate < options_.greatest_rate) {
    return GoTo(CapacityPhase::kRamp, std::min(rate * options_.growth, options_.greatest_rate));
  }
  Continue();
}

void CapacitySearch::OnFailed(const CapacityVerdict& verdict) {
  result_.failing_rate = step_->rate;
  result_.failing_reasons = verdict.reasons;
  result_.limited_by_generator = verdict.generator_failed;
  passed_.erase(passed_.lower_bound(step_->rate), passed_.end());
  Continue();
}

void CapacitySearch::Continue() {
  if (passed_.empty()) {
    // Not even the lowest rate so far has passed: look for one that does.
    const double lower = *result_.failing_rate / options_.growth;
    if (*result_.failing_rate <= options_.least_rate) return End();
    return GoTo(CapacityPhase::kRamp, std::max(lower, options_.least_rate));
  }
  const double best = *passed_.rbegin();
  if (!result_.failing_rate.has_value() ||
      *result_.failing_rate - best <= options_.precision * best) {
    return GoTo(CapacityPhase::kConfirm, best);
  }
  GoTo(CapacityPhase::kBisect, (best + *result_.failing_rate) / 2);
}

absl::StatusOr<Nanos> ParseGoalDuration(absl::string_view text) {
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration) || duration <= absl::ZeroDuration() ||
      duration > absl::Hours(1) || absl::ToInt64Nanoseconds(duration) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is no duration of up to 1h, such as 5ms or 1.5s"));
  }
  return absl::ToInt64Nanoseconds(duration);
}

absl::StatusOr<double> ParseGoalShare(absl::string_view text) {
  absl::string_view number = text;
  const bool percent = absl::ConsumeSuffix(&number, "%");
  double share = 0;
  const bool read = absl::SimpleAtod(number, &share);
  if (percent) share /= 100;
  if (!read || !(share >= 0) || !(share <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is no share of 0 to 1, such as 0.1% or 0.001"));
  }
  return share;
}

absl::StatusOr<CapacityGoals> ParseCapacityGoals(const std::vector<std::string>& arguments,
                                                 std::vector<std::string>* rest) {
  CapacityGoals goals;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Flag flag = SplitFlag(arguments[i]);
    if (flag.name != "p99" && flag.name != "stale" && flag.name != "errors") {
      rest->push_back(arguments[i]);
      continue;
    }
    if (!flag.value.has_value() && i + 1 == arguments.size()) {
      return absl::InvalidArgumentError(absl::StrCat("-", flag.name, " lacks its value"));
    }
    const absl::string_view value = flag.value.has_value() ? *flag.value : arguments[++i];
    absl::Status set;
    if (flag.name == "p99") {
      set = SetGoal(flag.name, ParseGoalDuration(value), &goals.p99);
    } else {
      set = SetGoal(flag.name, ParseGoalShare(value),
                    flag.name == "stale" ? &goals.stale_share : &goals.errors_share);
    }
    if (!set.ok()) return set;
  }
  if (!goals.p99.has_value() && !goals.stale_share.has_value() && !goals.errors_share.has_value()) {
    return absl::InvalidArgumentError(
        "there is no goal: name at least one of -p99 5ms, -stale 0.1% and -errors 0.1%");
  }
  return goals;
}

}  // namespace quorate::loadgen
