// KeyChooser: which key an operation uses.
//
// The choice is a pure function of the seed and the operation's index (and its due time, or the
// number of keys born so far, where the distribution depends on these), so a run can be repeated.
//
//   const absl::StatusOr<KeyDistribution> distribution = ParseKeyDistribution("zipf:0.99");
//   const KeyChooser chooser(*distribution, 1000, seed);
//   const uint64_t key = chooser.Choose(operation.index, operation.due);
//
// The popular ranks of a distribution are scattered over the keys by a bijection, so that they do
// not sit side by side, and runs with different seeds have different popular keys.
#ifndef QUORATE_LOADGEN_KEY_CHOOSER_H_
#define QUORATE_LOADGEN_KEY_CHOOSER_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "loadgen/bijection.h"
#include "loadgen/workload.h"
#include "loadgen/zipf.h"

namespace quorate::loadgen {

enum class KeyDistributionKind {
  kUniform,        // all alike
  kZipf,           // probability falls as a power of the rank
  kLatest,         // as kZipf, where the newest key has the first rank
  kHotspot,        // some of the keys have most of the operations
  kMovingHotspot,  // as kHotspot, but other keys from time to time
};

struct KeyDistribution {
  KeyDistributionKind kind = KeyDistributionKind::kUniform;
  double exponent = 0.99;            // of kZipf and kLatest
  double operations_fraction = 0.9;  // of the hotspots: so many operations ...
  double keys_fraction = 0.1;        // ... on so many keys, at least one
  double period_seconds = 1;         // of kMovingHotspot
};

// Reads `uniform`, `zipf[:EXPONENT]`, `latest[:EXPONENT]`, `hotspot[:OPERATIONS:KEYS]` or
// `moving[:OPERATIONS:KEYS:SECONDS]`; defaults are those of KeyDistribution. InvalidArgument, with
// the reason, for other text, and where a number is out of range: an exponent is above 0 and up to
// 20, OPERATIONS is 0..1, KEYS above 0 and up to 1, SECONDS from 0.001 to 1e9. Thread-safe.
absl::StatusOr<KeyDistribution> ParseKeyDistribution(absl::string_view text);

// The text that ParseKeyDistribution reads as an equal distribution, with all numbers.
std::string ToText(const KeyDistribution& distribution);

// Values: thread-compatible.
class KeyChooser {
 public:
  // Keys are numbered 0..keys-1. `distribution` is within ParseKeyDistribution's ranges.
  // CHECK-fails unless 0 < keys <= 2^53.
  KeyChooser(const KeyDistribution& distribution, uint64_t keys, uint64_t seed);

  // The key of operation `index`, which is due at `due`; of kLatest, as if all `keys` were born.
  uint64_t Choose(uint64_t index, Nanos due = 0) const;

  // The key of operation `index` where keys 0..born-1 are acknowledged. For kLatest it is among
  // these, and nothing where there are none; the others are chosen as by Choose, whatever exists.
  std::optional<uint64_t> ChooseAmong(uint64_t born, uint64_t index, Nanos due = 0) const;

  // The rank that Choose draws, 0 being the most popular, and the key that has a rank at a time.
  uint64_t RankOf(uint64_t index) const;
  uint64_t KeyOfRank(uint64_t rank, Nanos due = 0) const;

  // The expected share of operations on the most popular key: of kLatest, on whichever key is the
  // newest of `keys`; of kMovingHotspot, within a period.
  double TopShare() const;

  const KeyDistribution& distribution() const { return distribution_; }
  uint64_t keys() const { return keys_; }

 private:
  KeyDistribution distribution_;
  uint64_t keys_;
  uint64_t seed_;
  uint64_t hot_keys_;
  ZipfSampler zipf_;
  Bijection scatter_;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_KEY_CHOOSER_H_
