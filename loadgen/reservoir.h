// Reservoir: keeps a sample of bounded size of a stream of any length, to which every element of
// the stream belongs with the same probability (algorithm R, Vitter 1985).
//
//   Reservoir<int64_t> latencies(10'000, seed);
//   latencies.Add(nanos);
//   latencies.InOrder();   // the sample, in the order of its arrival
//   latencies.cut();       // whether it is less than everything
//
// Values: thread-compatible.
#ifndef QUORATE_LOADGEN_RESERVOIR_H_
#define QUORATE_LOADGEN_RESERVOIR_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "loadgen/random_stream.h"

namespace quorate::loadgen {

template <typename T>
class Reservoir {
 public:
  // Holds at most `limit` elements, and memory only for as many as came; 0 keeps none. Equal seeds
  // keep the same places of streams of the same length.
  Reservoir(size_t limit, uint64_t seed) : limit_(limit), random_(seed) {}

  void Add(T element) {
    const uint64_t position = seen_++;
    if (kept_.size() < limit_) {
      kept_.push_back({position, std::move(element)});
    } else if (limit_ > 0) {
      const uint64_t place = random_.NextBelow(seen_);
      if (place < limit_) kept_[static_cast<size_t>(place)] = {position, std::move(element)};
    }
  }

  // The elements that are kept, in the order in which they were added.
  std::vector<T> InOrder() const {
    std::vector<const Kept*> sorted;
    sorted.reserve(kept_.size());
    for (const Kept& kept : kept_) sorted.push_back(&kept);
    std::sort(sorted.begin(), sorted.end(),
              [](const Kept* a, const Kept* b) { return a->position < b->position; });
    std::vector<T> elements;
    elements.reserve(sorted.size());
    for (const Kept* kept : sorted) elements.push_back(kept->element);
    return elements;
  }

  // How many elements were added.
  uint64_t seen() const { return seen_; }
  size_t size() const { return kept_.size(); }
  size_t limit() const { return limit_; }
  // Whether elements are missing.
  bool cut() const { return seen_ > kept_.size(); }

 private:
  struct Kept {
    uint64_t position = 0;
    T element;
  };

  size_t limit_;
  RandomStream random_;
  uint64_t seen_ = 0;
  std::vector<Kept> kept_;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_RESERVOIR_H_
