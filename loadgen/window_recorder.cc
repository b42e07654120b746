#include "loadgen/window_recorder.h"

#include <algorithm>

#include "absl/numeric/bits.h"

namespace quorate::loadgen {
namespace {

constexpr int kBucketBits = 4;
constexpr size_t kPerOctave = size_t{1} << kBucketBits;
constexpr int kFirstOctave = 10;
constexpr int kLastOctave = 35;
constexpr size_t kBuckets = 1 + (kLastOctave - kFirstOctave + 1) * kPerOctave;

size_t BucketOf(Nanos nanos) {
  if (nanos < Nanos{1} << kFirstOctave) return 0;
  const auto value = static_cast<uint64_t>(nanos);
  const int octave = absl::bit_width(value) - 1;
  if (octave > kLastOctave) return kBuckets - 1;
  const size_t within = (value >> (octave - kBucketBits)) & (kPerOctave - 1);
  return 1 + static_cast<size_t>(octave - kFirstOctave) * kPerOctave + within;
}

Nanos LowestIn(size_t bucket) {
  if (bucket == 0) return 0;
  const size_t octave = (bucket - 1) / kPerOctave;
  const size_t within = (bucket - 1) % kPerOctave;
  return static_cast<Nanos>((kPerOctave + within) << (octave + kFirstOctave - kBucketBits));
}

}  // namespace

void CoarseHistogram::Record(Nanos nanos) {
  if (counts_.empty()) counts_.resize(kBuckets);
  ++counts_[BucketOf(nanos)];
}

void CoarseHistogram::Add(const CoarseHistogram& other) {
  if (other.counts_.empty()) return;
  if (counts_.empty()) counts_.resize(kBuckets);
  for (size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
}

std::vector<std::pair<Nanos, uint64_t>> CoarseHistogram::NonEmptyBuckets() const {
  std::vector<std::pair<Nanos, uint64_t>> buckets;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] > 0) buckets.emplace_back(LowestIn(i), counts_[i]);
  }
  return buckets;
}

void Window::Add(const Window& other) {
  failed += other.failed;
  unknown += other.unknown;
  read_response.Add(other.read_response);
  write_response.Add(other.write_response);
  judged += other.judged;
  stale += other.stale;
  loosely_stale += other.loosely_stale;
  inversions += other.inversions;
}

Window* WindowRecorder::At(Nanos due) {
  // Whole seconds, since the first operation to end need not be the first that was due.
  if (windows_.empty()) start_ = due / kNanosPerSecond * kNanosPerSecond;
  const Nanos since = std::max<Nanos>(due - start_, 0);
  while (since / width_ >= static_cast<Nanos>(kWindowsMax)) Halve();
  const auto index = static_cast<size_t>(since / width_);
  if (index >= windows_.size()) windows_.resize(index + 1);
  return &windows_[index];
}

// Their number.
void WindowRecorder::Halve() {
  for (size_t i = 0; i < windows_.size(); i += 2) {
    Window sum = std::move(windows_[i]);
    if (i + 1 < windows_.size()) sum.Add(windows_[i + 1]);
    windows_[i / 2] = std::move(sum);
  }
  windows_.resize((windows_.size() + 1) / 2);
  width_ *= 2;
}

}  // namespace quorate::loadgen
