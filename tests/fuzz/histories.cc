#include "tests/fuzz/histories.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"

#include "replication/storage/version.h"

namespace quorate::fuzz {
namespace {

constexpr size_t kReplicas = 3;

Record Merged(Record a, const Record& b) {
  a.Merge(b);
  return a;
}

// One of a replica's lives, with the writes that it has made.
class History {
 public:
  bool leader() const { return leader_; }
  explicit History(bool leader) : leader_(leader) {}

  void Write(size_t replica, FuzzInput* input) {
    Record& held = held_[replica];
    const bool tombstone = input->Flag();
    if (leader_) {
      // One leader writes, and takes a new epoch now and then.
      if (input->Below(4) == 0) ++epoch_;
      held_[0].Merge(Record::Sequenced(epoch_, ++number_, tombstone, Value()));
      return;
    }
    Sibling write;
    const Actor actor{static_cast<NodeId>(replica + 1), incarnations_[replica]};
    write.dot = Dot{actor, ++counters_[actor]};
    write.clock = input->Number() % 1000;
    write.tombstone = tombstone;
    write.value = Value();
    // The writer has seen what its replica holds, what another one held, or nothing.
    const Version seen = input->Flag() ? held.version : seen_[input->Below(kReplicas)];
    seen_of_[write.dot] = seen;
    held.Put(seen, std::move(write));
  }

  void Send(size_t from, size_t to) { held_[to].Merge(held_[from]); }
  void Remember(size_t replica) { seen_[replica] = held_[replica].version; }
  void StartAnew(size_t replica) { ++incarnations_[replica]; }

  void Check() const {
    for (const Record& a : held_) {
      if (a.version.empty()) continue;
      CHECK(Same(Merged(a, a), a)) << "merging is not idempotent";
      CheckSiblings(a);
      for (const Record& b : held_) {
        if (b.version.empty()) continue;
        const Record both = Merged(a, b);
        CHECK(both.version.Descends(a.version) && both.version.Descends(b.version));
        CHECK(Same(both, Merged(b, a))) << "merging is not commutative";
        for (const Record& c : held_) {
          if (c.version.empty()) continue;
          CHECK(Same(Merged(both, c), Merged(a, Merged(b, c)))) << "merging is not associative";
        }
      }
    }
  }

 private:
  std::string Value() { return absl::StrCat("value ", ++values_); }

  // What a record must hold is what no write in its history had seen.
  void CheckSiblings(const Record& record) const {
    if (record.version.sequenced()) return;
    std::set<Dot> expected;
    for (const auto& [dot, seen] : seen_of_) {
      if (!record.version.Contains(dot)) continue;
      bool replaced = false;
      for (const auto& [other, other_seen] : seen_of_) {
        replaced = replaced || (record.version.Contains(other) && other_seen.Contains(dot));
      }
      if (!replaced) expected.insert(dot);
    }
    std::set<Dot> held;
    for (const Sibling& sibling : record.siblings) CHECK(held.insert(sibling.dot).second);
    CHECK(held == expected) << record.version.DebugString();
  }

  const bool leader_;
  std::array<Record, kReplicas> held_;
  std::array<Version, kReplicas> seen_;
  std::array<Incarnation, kReplicas> incarnations_ = {1, 1, 1};
  std::map<Actor, uint64_t> counters_;
  std::map<Dot, Version> seen_of_;
  uint64_t epoch_ = 1;
  uint64_t number_ = 0;
  int values_ = 0;
};

}  // namespace

bool Same(const Record& a, const Record& b) {
  return a.version == b.version &&
         std::equal(a.siblings.begin(), a.siblings.end(), b.siblings.begin(), b.siblings.end(),
                    [](const Sibling& x, const Sibling& y) {
                      return x.dot == y.dot && x.clock == y.clock && x.tombstone == y.tombstone &&
                             x.value == y.value;
                    });
}

void CheckHistory(FuzzInput* input) {
  // What is checked grows with the square of the writes.
  constexpr int kSteps = 40;
  History history(/*leader=*/input->Flag());
  for (int step = 0; step < kSteps && !input->empty(); ++step) {
    const uint8_t choice = input->Byte();
    const size_t replica = choice / 4 % kReplicas;
    switch (choice % 4) {
      case 0:
        history.Write(replica, input);
        break;
      case 1:
        history.Send(replica, input->Below(kReplicas));
        break;
      case 2:
        history.Remember(replica);
        break;
      default:
        history.StartAnew(replica);
        break;
    }
    history.Check();
  }
}

}  // namespace quorate::fuzz
