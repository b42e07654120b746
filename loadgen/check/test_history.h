// TestHistory: writes small histories down by hand.
//
//   TestHistory history;
//   history.Write(/*value=*/11, /*version=*/1, /*start=*/0, /*end=*/10);
//   history.Read(11, 1, 20, 30).session = 2;
//   CheckZones(history.Sorted());
//
// For tests only.
#ifndef QUORATE_LOADGEN_CHECK_TEST_HISTORY_H_
#define QUORATE_LOADGEN_CHECK_TEST_HISTORY_H_

#include <cstdint>

#include "loadgen/check/history.h"

namespace quorate::check {

class TestHistory {
 public:
  // A version of 0 says that the order is not known. The reference holds until the next call.
  Operation& Write(uint64_t value, uint64_t version, Nanos start, Nanos end) {
    return Add(Kind::kWrite, value, version, start, end);
  }
  Operation& UnknownWrite(uint64_t value, Nanos start) {
    Operation& operation = Add(Kind::kWrite, value, 0, start, kNever);
    operation.outcome = Outcome::kUnknown;
    return operation;
  }
  Operation& Delete(uint64_t version, Nanos start, Nanos end) {
    return Add(Kind::kDelete, 0, version, start, end);
  }
  Operation& Read(uint64_t value, uint64_t version, Nanos start, Nanos end) {
    Operation& operation = Add(Kind::kRead, value, version, start, end);
    operation.found = 1;
    return operation;
  }
  // Of a tombstone with `version`, or of the initial state with 0.
  Operation& ReadNothing(uint64_t version, Nanos start, Nanos end) {
    Operation& operation = Add(Kind::kRead, 0, version, start, end);
    operation.order_known = 1;
    return operation;
  }

  History& history() { return history_; }
  const History& Sorted() {
    SortByKey(&history_);
    return history_;
  }

 private:
  Operation& Add(Kind kind, uint64_t value, uint64_t version, Nanos start, Nanos end) {
    Operation operation;
    operation.kind = kind;
    operation.session = 1;
    operation.value = value;
    operation.order = version;
    operation.order_known = version > 0 ? 1 : 0;
    operation.start = start;
    operation.end = end;
    history_.operations.push_back(operation);
    return history_.operations.back();
  }

  History history_;
};

}  // namespace quorate::check

#endif  // QUORATE_LOADGEN_CHECK_TEST_HISTORY_H_
