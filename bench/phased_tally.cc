#include "bench/phased_tally.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"

namespace quorate {
namespace {

constexpr double kGrowth = 1.02;

std::string NameOf(int code) {
  // The names that overload.py has columns for; the rest is rare.
  switch (code) {
    case kWrongAnswer:
      return "WRONG_ANSWER";
    case 1:
      return "CANCELLED";
    case 4:
      return "DEADLINE_EXCEEDED";
    case 8:
      return "RESOURCE_EXHAUSTED";
    case 14:
      return "UNAVAILABLE";
    default:
      return absl::StrCat("CODE_", code);
  }
}

}  // namespace

void CoarseHistogram::Record(absl::Duration latency) {
  const double micros = std::max(absl::ToDoubleMicroseconds(latency), 1.0);
  const auto bucket = static_cast<size_t>(std::log(micros) / std::log(kGrowth));
  ++counts_[std::min(bucket, counts_.size() - 1)];
}

std::map<std::string, uint32_t> CoarseHistogram::Buckets() const {
  std::map<std::string, uint32_t> buckets;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    const double bound = std::ceil(std::pow(kGrowth, static_cast<double>(i + 1)));
    buckets[absl::StrCat(static_cast<int64_t>(bound))] += counts_[i];
  }
  return buckets;
}

void PhasedTally::Ended(const PhasedOperation& operation, int code, const std::string& message,
                        MonotonicTime now) {
  if (code != 0) {
    ++errors_[code];
    first_errors_.emplace(code, message);
    return;
  }
  ++succeeded_[operation.phase][operation.set ? 1 : 0];
  latency_[operation.set ? 1 : 0].Record(now - operation.due);
}

std::string PhasedTally::TakeInterval(size_t phase, int64_t in_flight, MonotonicTime now) {
  uint64_t earlier = 0;
  std::array<uint64_t, 2> current{};
  for (const auto& [due_in, counts] : succeeded_) {
    if (due_in == phase) {
      current = counts;
    } else {
      earlier += counts[0] + counts[1];
    }
  }
  nlohmann::json errors = nlohmann::json::object();
  nlohmann::json first_errors = nlohmann::json::object();
  for (const auto& [code, count] : errors_) errors[NameOf(code)] = count;
  for (const auto& [code, message] : first_errors_) first_errors[NameOf(code)] = message;
  const nlohmann::json line = {{"time", absl::ToDoubleSeconds(now)},
                               {"seconds", absl::ToDoubleSeconds(now - begun_at_)},
                               {"phase", phase},
                               {"begun", begun_},
                               {"sent", sent_},
                               {"held_back", held_back_},
                               {"missed", missed_},
                               {"in_flight", in_flight},
                               {"gets", current[0]},
                               {"sets", current[1]},
                               {"earlier", earlier},
                               {"errors", errors},
                               {"first_errors", first_errors},
                               {"get_us", latency_[0].Buckets()},
                               {"set_us", latency_[1].Buckets()}};
  begun_at_ = now;
  begun_ = sent_ = held_back_ = missed_ = 0;
  succeeded_.clear();
  errors_.clear();
  first_errors_.clear();
  for (CoarseHistogram& histogram : latency_) histogram.Clear();
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace quorate
