// Ddmin: the smallest part of a list that still fails, by delta debugging: Zeller and Hildebrandt,
// "Simplifying and Isolating Failure-Inducing Input" (2002).
//
//   const std::vector<Fault> few = Ddmin<Fault>(faults, [&](const std::vector<Fault>& some) {
//     return StillFails(some);
//   });
#ifndef QUORATE_TESTS_SIM_DDMIN_H_
#define QUORATE_TESTS_SIM_DDMIN_H_

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

namespace quorate::sim {

// `fails` holds for `items`, and is never asked about them. What is returned keeps their order, is
// the last that `fails` accepted (or `items`), and is 1-minimal where `fails` always gives the same
// answer: without any single one of its items it does not fail.
template <typename T>
std::vector<T> Ddmin(std::vector<T> items,
                     const std::function<bool(const std::vector<T>&)>& fails) {
  if (items.empty() || fails({})) return {};
  for (size_t parts = 2; items.size() >= 2;) {
    parts = std::min(parts, items.size());
    bool reduced = false;
    // Each part alone; with two parts these are the complements too.
    for (const bool complement : {false, true}) {
      for (size_t part = 0; part < parts && !reduced && !(complement && parts == 2); ++part) {
        const auto begin = items.begin() + part * items.size() / parts;
        const auto end = items.begin() + (part + 1) * items.size() / parts;
        std::vector<T> some;
        if (complement) {
          some.assign(items.begin(), begin);
          some.insert(some.end(), end, items.end());
        } else {
          some.assign(begin, end);
        }
        if (!fails(some)) continue;
        reduced = true;
        items = std::move(some);
        parts = complement ? std::max<size_t>(parts - 1, 2) : 2;
      }
    }
    if (reduced) continue;
    if (parts == items.size()) break;
    parts *= 2;
  }
  return items;
}

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_DDMIN_H_
