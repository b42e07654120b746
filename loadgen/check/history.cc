#include "loadgen/check/history.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace quorate::check {
namespace {

bool Earlier(const Operation& a, const Operation& b) {
  if (a.key != b.key) return a.key < b.key;
  if (a.start != b.start) return a.start < b.start;
  return std::tie(a.end, a.session, a.kind, a.value, a.order, a.outcome, a.node, a.order_known,
                  a.found) < std::tie(b.end, b.session, b.kind, b.value, b.order, b.outcome, b.node,
                                      b.order_known, b.found);
}

}  // namespace

std::string KeyName(const History& history, uint32_t key) {
  return key < history.keys.size() ? history.keys[key] : absl::StrCat("key ", key);
}

std::string NodeName(const History& history, uint16_t node) {
  if (node == kNoNode) return "";
  return node < history.nodes.size() ? history.nodes[node] : absl::StrCat("node ", node);
}

void SortByKey(History* history) {
  std::vector<Operation>& operations = history->operations;
  if (std::is_sorted(operations.begin(), operations.end(), Earlier)) return;
  std::sort(operations.begin(), operations.end(), Earlier);
}

std::vector<KeyOperations> SplitByKey(const History& history) {
  const absl::Span<const Operation> all = absl::MakeConstSpan(history.operations);
  std::vector<KeyOperations> keys;
  size_t first = 0;
  for (size_t i = 1; i <= all.size(); ++i) {
    if (i < all.size() && all[i].key == all[first].key) continue;
    keys.push_back(KeyOperations{all[first].key, first, all.subspan(first, i - first)});
    first = i;
  }
  return keys;
}

Nanos Between(Nanos earlier, Nanos later) {
  if (earlier == kBeforeAll || later == kNever) return kNever;
  Nanos difference = 0;
  return __builtin_sub_overflow(later, earlier, &difference) ? kNever : difference;
}

}  // namespace quorate::check
