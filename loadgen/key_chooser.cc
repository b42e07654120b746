#include "loadgen/key_chooser.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "glog/logging.h"

#include "loadgen/random_stream.h"

namespace quorate::loadgen {
namespace {

constexpr double kExponentMax = 20;
constexpr double kSecondsMin = 0.001;
constexpr double kSecondsMax = 1e9;
constexpr uint64_t kKeysMax = uint64_t{1} << 53;

absl::Status Refuse(absl::string_view text, absl::string_view reason) {
  return absl::InvalidArgumentError(absl::StrCat("key distribution '", text, "': ", reason));
}

struct Field {
  double* value;
  absl::string_view range;
  double low;
  double high;
  bool low_is_allowed;
};

// Reads the numbers behind the name into `fields`: all of them, or none.
absl::Status ReadFields(absl::string_view text, const std::vector<absl::string_view>& words,
                        const std::vector<Field>& fields) {
  if (words.size() == 1) return absl::OkStatus();
  if (words.size() != fields.size() + 1) {
    return Refuse(text, absl::StrCat(words[0], " takes ", fields.size(), " number(s), not ",
                                     words.size() - 1));
  }
  for (size_t i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    double value = 0;
    if (!absl::SimpleAtod(words[i + 1], &value)) {
      return Refuse(text, absl::StrCat("'", words[i + 1], "' is no number"));
    }
    const bool above = field.low_is_allowed ? value >= field.low : value > field.low;
    if (!above || !(value <= field.high)) {
      return Refuse(text, absl::StrCat("'", words[i + 1], "' is not ", field.range));
    }
    *field.value = value;
  }
  return absl::OkStatus();
}

// As short as it can be, but all of it.
std::string NumberText(double number) {
  const std::string brief = absl::StrCat(number);
  double read = 0;
  if (absl::SimpleAtod(brief, &read) && read == number) return brief;
  return absl::StrFormat("%.17g", number);
}

uint64_t HotKeys(const KeyDistribution& distribution, uint64_t keys) {
  const double exact = distribution.keys_fraction * static_cast<double>(keys);
  return std::min(std::max<uint64_t>(static_cast<uint64_t>(std::llround(exact)), 1), keys);
}

// The shuffle of one period; all others have but one.
Bijection ScatterOf(uint64_t keys, uint64_t seed, uint64_t period) {
  return Bijection(keys, StreamOf(seed, period, StreamPurpose::kScatter).Next());
}

}  // namespace

absl::StatusOr<KeyDistribution> ParseKeyDistribution(absl::string_view text) {
  const std::vector<absl::string_view> words = absl::StrSplit(text, ':');
  KeyDistribution distribution;
  std::vector<Field> fields;
  if (words[0] == "uniform") {
    distribution.kind = KeyDistributionKind::kUniform;
  } else if (words[0] == "zipf" || words[0] == "latest") {
    distribution.kind =
        words[0] == "zipf" ? KeyDistributionKind::kZipf : KeyDistributionKind::kLatest;
    fields.push_back({&distribution.exponent, "above 0 and up to 20", 0, kExponentMax, false});
  } else if (words[0] == "hotspot" || words[0] == "moving") {
    distribution.kind = KeyDistributionKind::kHotspot;
    fields.push_back({&distribution.operations_fraction, "in 0..1", 0, 1, true});
    fields.push_back({&distribution.keys_fraction, "above 0 and up to 1", 0, 1, false});
    if (words[0] == "moving") {
      distribution.kind = KeyDistributionKind::kMovingHotspot;
      fields.push_back(
          {&distribution.period_seconds, "from 0.001 to 1e9", kSecondsMin, kSecondsMax, true});
    }
  } else {
    return Refuse(text,
                  "not one of uniform, zipf[:EXPONENT], latest[:EXPONENT], "
                  "hotspot[:OPERATIONS:KEYS], moving[:OPERATIONS:KEYS:SECONDS]");
  }
  const absl::Status read = ReadFields(text, words, fields);
  if (!read.ok()) return read;
  return distribution;
}

std::string ToText(const KeyDistribution& distribution) {
  const std::string hotspot = absl::StrCat(NumberText(distribution.operations_fraction), ":",
                                           NumberText(distribution.keys_fraction));
  switch (distribution.kind) {
    case KeyDistributionKind::kUniform:
      return "uniform";
    case KeyDistributionKind::kZipf:
      return absl::StrCat("zipf:", NumberText(distribution.exponent));
    case KeyDistributionKind::kLatest:
      return absl::StrCat("latest:", NumberText(distribution.exponent));
    case KeyDistributionKind::kHotspot:
      return absl::StrCat("hotspot:", hotspot);
    case KeyDistributionKind::kMovingHotspot:
      return absl::StrCat("moving:", hotspot, ":", NumberText(distribution.period_seconds));
  }
  return "";
}

KeyChooser::KeyChooser(const KeyDistribution& distribution, uint64_t keys, uint64_t seed)
    : distribution_(distribution),
      keys_(keys),
      seed_(seed),
      hot_keys_(HotKeys(distribution, keys)),
      zipf_(keys, distribution.exponent),
      scatter_(ScatterOf(keys, seed, 0)) {
  CHECK_LE(keys, kKeysMax);
}

uint64_t KeyChooser::RankOf(uint64_t index) const {
  RandomStream random = StreamOf(seed_, index, StreamPurpose::kKey);
  switch (distribution_.kind) {
    case KeyDistributionKind::kUniform:
      return random.NextBelow(keys_);
    case KeyDistributionKind::kZipf:
    case KeyDistributionKind::kLatest:
      return zipf_.Draw(&random);
    case KeyDistributionKind::kHotspot:
    case KeyDistributionKind::kMovingHotspot:
      break;
  }
  const bool hot = random.NextUnit() < distribution_.operations_fraction;
  if (hot || hot_keys_ == keys_) return random.NextBelow(hot_keys_);
  return hot_keys_ + random.NextBelow(keys_ - hot_keys_);
}

uint64_t KeyChooser::KeyOfRank(uint64_t rank, Nanos due) const {
  switch (distribution_.kind) {
    case KeyDistributionKind::kUniform:
      return rank;
    case KeyDistributionKind::kLatest:
      return keys_ - 1 - rank;
    case KeyDistributionKind::kZipf:
    case KeyDistributionKind::kHotspot:
      return scatter_.Map(rank);
    case KeyDistributionKind::kMovingHotspot:
      break;
  }
  const double seconds = static_cast<double>(due) / static_cast<double>(kNanosPerSecond);
  const double period = std::max(std::floor(seconds / distribution_.period_seconds), 0.0);
  return ScatterOf(keys_, seed_, static_cast<uint64_t>(period)).Map(rank);
}

uint64_t KeyChooser::Choose(uint64_t index, Nanos due) const {
  return KeyOfRank(RankOf(index), due);
}

std::optional<uint64_t> KeyChooser::ChooseAmong(uint64_t born, uint64_t index, Nanos due) const {
  if (distribution_.kind != KeyDistributionKind::kLatest) return Choose(index, due);
  if (born == 0) return std::nullopt;
  RandomStream random = StreamOf(seed_, index, StreamPurpose::kKey);
  return born - 1 - zipf_.DrawBelow(born, &random);
}

double KeyChooser::TopShare() const {
  switch (distribution_.kind) {
    case KeyDistributionKind::kUniform:
      return 1 / static_cast<double>(keys_);
    case KeyDistributionKind::kZipf:
    case KeyDistributionKind::kLatest:
      return zipf_.Probability(0);
    case KeyDistributionKind::kHotspot:
    case KeyDistributionKind::kMovingHotspot:
      break;
  }
  if (hot_keys_ == keys_) return 1 / static_cast<double>(keys_);
  const double hot = distribution_.operations_fraction / static_cast<double>(hot_keys_);
  const double cold =
      (1 - distribution_.operations_fraction) / static_cast<double>(keys_ - hot_keys_);
  return std::max(hot, cold);
}

}  // namespace quorate::loadgen
