#include "bench/load_phases.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace quorate {
namespace {

constexpr double kMaxRate = 1e8;
constexpr int kMaxInFlight = 1'000'000;
constexpr double kMaxSeconds = 1e6;

bool ParsePhase(const std::vector<absl::string_view>& words, LoadPhase* phase) {
  double seconds = 0;
  if (words.size() != 3 || !absl::SimpleAtod(words[2], &seconds)) return false;
  if (!(seconds > 0 && seconds <= kMaxSeconds)) return false;
  phase->duration = absl::Seconds(seconds);
  phase->open = words[0] == "open";
  if (phase->open) {
    return absl::SimpleAtod(words[1], &phase->rate) && phase->rate > 0 && phase->rate <= kMaxRate;
  }
  return words[0] == "closed" && absl::SimpleAtoi(words[1], &phase->in_flight) &&
         phase->in_flight > 0 && phase->in_flight <= kMaxInFlight;
}

}  // namespace

absl::StatusOr<std::vector<LoadPhase>> ParsePhases(absl::string_view text) {
  std::vector<LoadPhase> phases;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    LoadPhase phase;
    if (!ParsePhase(absl::StrSplit(part, ':'), &phase)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", part, "' is neither open:RATE:SECONDS nor closed:IN_FLIGHT:SECONDS"));
    }
    phases.push_back(phase);
  }
  return phases;
}

}  // namespace quorate
