#include "loadgen/check/random_history.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace quorate::check {
namespace {

constexpr Nanos kGrid = 24;
constexpr Nanos kLongest = 9;

class Maker {
 public:
  Maker(const RandomHistoryOptions& options, std::mt19937_64* random)
      : options_(options), random_(*random) {}

  RandomHistory Make() {
    const int count = 2 + Below(options_.operations_max - 1);
    write_share_ = 0.25 + 0.5 * Fraction();
    sessions_ = 1 + Below(4);
    for (int i = 0; i < count; ++i) result_.history.operations.push_back(MakeOperation(i));
    SortByKey(&result_.history);
    result_.truth.resize(result_.history.operations.size());
    RunRegister();
    Disturb();
    TellClients();
    return std::move(result_);
  }

 private:
  int Below(int bound) { return static_cast<int>(random_() % static_cast<uint64_t>(bound)); }
  double Fraction() { return static_cast<double>(random_() >> 11) / 9007199254740992.0; }
  bool Chance(double p) { return Fraction() < p; }
  std::vector<Operation>& operations() { return result_.history.operations; }

  Operation MakeOperation(int number) {
    Operation operation;
    operation.key = options_.key;
    operation.session = static_cast<uint32_t>(Below(sessions_));
    operation.start = Below(kGrid);
    operation.end = operation.start + Below(kLongest);
    if (Chance(write_share_)) {
      operation.kind = Chance(options_.delete_share) ? Kind::kDelete : Kind::kWrite;
      if (operation.kind == Kind::kWrite) operation.value = 100 + static_cast<uint64_t>(number);
      // A client that waits for the answer to a delete learns which one a read saw.
      const bool known = operation.kind == Kind::kDelete || !Chance(options_.unknown_share);
      if (!known) operation.outcome = Outcome::kUnknown;
    } else if (Chance(0.05)) {
      operation.outcome = Outcome::kUnknown;
    }
    if (Chance(options_.failed_share)) operation.outcome = Outcome::kFailed;
    return operation;
  }

  // Applies each operation at one moment of its interval, so what comes out is linearizable.
  void RunRegister() {
    std::vector<std::pair<Nanos, size_t>> moments;
    for (size_t i = 0; i < operations().size(); ++i) {
      const Operation& operation = operations()[i];
      const bool unknown_write = operation.is_write() && operation.outcome == Outcome::kUnknown;
      const Nanos length = unknown_write ? kGrid : operation.end - operation.start;
      moments.emplace_back(operation.start + Below(static_cast<int>(length) + 1), i);
    }
    std::shuffle(moments.begin(), moments.end(), random_);
    std::stable_sort(moments.begin(), moments.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    int current = Truth::kInitial;
    uint64_t version = 0;
    for (const auto& [moment, i] : moments) {
      if (!operations()[i].is_write()) {
        result_.truth[i].source = current;
      } else if (operations()[i].outcome != Outcome::kFailed) {
        result_.truth[i].version = ++version;
        current = static_cast<int>(i);
      }
    }
  }

  // Most of the time something is wrong.
  void Disturb() {
    std::vector<size_t> reads;
    std::vector<size_t> writes;
    for (size_t i = 0; i < operations().size(); ++i) {
      (operations()[i].is_write() ? writes : reads).push_back(i);
    }
    const int wrong_reads = Chance(0.4) ? 0 : Chance(0.7) ? 1 : Below(4);
    for (int i = 0; i < wrong_reads && !reads.empty(); ++i) {
      const size_t read = reads[static_cast<size_t>(Below(static_cast<int>(reads.size())))];
      const int choice = Below(static_cast<int>(writes.size()) + 1);
      result_.truth[read].source =
          choice == 0 ? Truth::kInitial : static_cast<int>(writes[static_cast<size_t>(choice - 1)]);
    }
    for (const size_t read : reads) {
      const int source = result_.truth[read].source;
      if (source < 0 || operations()[static_cast<size_t>(source)].outcome != Outcome::kFailed) {
        continue;
      }
      // Nothing tells a failed delete from the initial state.
      const bool visible = operations()[static_cast<size_t>(source)].kind == Kind::kWrite;
      phantom_value_ = visible ? operations()[static_cast<size_t>(source)].value : 0;
      result_.truth[read].source = visible ? Truth::kPhantom : Truth::kInitial;
    }
    if (writes.size() < 2 || !Chance(0.3)) return;
    const size_t a = writes[static_cast<size_t>(Below(static_cast<int>(writes.size())))];
    const size_t b = writes[static_cast<size_t>(Below(static_cast<int>(writes.size())))];
    const bool applied = result_.truth[a].version > 0 && result_.truth[b].version > 0;
    if (applied) std::swap(result_.truth[a].version, result_.truth[b].version);
  }

  void TellClients() {
    for (size_t i = 0; i < operations().size(); ++i) {
      Operation& operation = operations()[i];
      if (!operation.ok()) continue;
      const bool says_order = !Chance(options_.forget_order_share);
      if (operation.is_write()) {
        if (says_order) SetOrder(result_.truth[i].version, &operation);
        continue;
      }
      const int source = result_.truth[i].source;
      if (source == Truth::kPhantom) {
        operation.found = 1;
        operation.value = phantom_value_;
        continue;
      }
      uint64_t version = 0;
      if (source != Truth::kInitial) {
        const Operation& write = operations()[static_cast<size_t>(source)];
        operation.found = write.kind == Kind::kWrite ? 1 : 0;
        operation.value = write.value;
        version = result_.truth[static_cast<size_t>(source)].version;
      }
      if (says_order) SetOrder(version, &operation);
    }
  }

  static void SetOrder(uint64_t order, Operation* operation) {
    operation->order_known = 1;
    operation->order = order;
  }

  const RandomHistoryOptions options_;
  std::mt19937_64& random_;
  RandomHistory result_;
  double write_share_ = 0.5;
  int sessions_ = 1;
  uint64_t phantom_value_ = 0;
};

}  // namespace

RandomHistory MakeRandomHistory(const RandomHistoryOptions& options, std::mt19937_64* random) {
  return Maker(options, random).Make();
}

}  // namespace quorate::check
