// Whatever a disk does to what it was given, it gives back that or nothing: every record that a
// start finds, or that is there in the end, was stored by this node before, byte for byte. A batch
// that the loss of power has torn, and a bit that has flipped, are not taken for records.
#include <string>
#include <tuple>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

#include "tests/sim/checkers/checker.h"

namespace quorate::sim {
namespace {

constexpr char kProperty[] = "a disk gives back what was stored";

}  // namespace

void CheckRecovered(const History& history, Report* report) {
  // Where, and the hash of the bytes.
  absl::flat_hash_set<std::tuple<NodeId, std::string, uint64_t>> stored;
  for (const HistoryEvent& event : history.events()) {
    if (event.kind == EventKind::kStored) stored.emplace(event.node, event.key, event.content);
    if (event.kind != EventKind::kRecovered) continue;
    if (stored.contains(std::make_tuple(event.node, event.key, event.content))) continue;
    report->Add(kProperty,
                absl::StrCat("node ", event.node, " found under ", Shown(event.key), " a record ",
                             event.version.DebugString(), " that it had never stored"));
  }
  for (const auto& [node, contents] : history.final_contents()) {
    for (const auto& [key, bytes] : contents) {
      if (stored.contains(std::make_tuple(node, key, ContentHash(bytes)))) continue;
      report->Add(kProperty, absl::StrCat("node ", node, " holds under ", Shown(key),
                                          " in the end what it had never stored"));
    }
  }
}

}  // namespace quorate::sim
