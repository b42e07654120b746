#include "loadgen/workload.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "loadgen/random_stream.h"

namespace quorate::loadgen {

Workload::Workload(const WorkloadOptions& options)
    : options_(options), prefix_(absl::StrCat("load-", absl::Hex(options.seed), "-")) {}

size_t Workload::TargetOf(uint64_t index, bool write) const {
  if (write ? options_.writes_to_first_target : options_.reads_to_first_target) return 0;
  return static_cast<size_t>(
      StreamOf(options_.seed, index, StreamPurpose::kTarget).NextBelow(options_.targets));
}

MixedOperation Workload::KindAt(uint64_t index) const {
  if (options_.mix.has_value()) return KindOf(*options_.mix, options_.seed, index);
  // 0 means never and 1 always.
  const double draw = StreamOf(options_.seed, index, StreamPurpose::kKind).NextUnit();
  return draw < options_.writes_per_operation ? MixedOperation::kUpdate : MixedOperation::kRead;
}

PlannedOperation Workload::At(uint64_t index, Nanos due, uint64_t born) const {
  PlannedOperation operation;
  operation.index = index;
  operation.due = due;
  const MixedOperation kind = KindAt(index);
  operation.write = kind == MixedOperation::kUpdate || kind == MixedOperation::kInsert;
  if (kind == MixedOperation::kReadModifyWrite) operation.step = Step::kReadOfPair;
  if (kind == MixedOperation::kInsert) {
    operation.step = Step::kInsert;
  } else if (options_.choose_key != nullptr) {
    operation.key = options_.choose_key(index, due, born);
  } else {
    RandomStream random = StreamOf(options_.seed, index, StreamPurpose::kKey);
    operation.key = static_cast<size_t>(random.NextBelow(born));
  }
  operation.target = TargetOf(index, operation.write);
  return operation;
}

PlannedOperation Workload::WriteAfter(const PlannedOperation& read, Nanos due) const {
  PlannedOperation write = WriteOf(read.key, read.index);
  write.due = due;
  write.step = Step::kWriteOfPair;
  write.pair_due = read.due;
  return write;
}

PlannedOperation Workload::WriteOf(size_t key, uint64_t index) const {
  PlannedOperation operation;
  operation.index = index;
  operation.write = true;
  operation.key = key;
  operation.target = TargetOf(index, /*write=*/true);
  return operation;
}

std::string Workload::KeyName(size_t key) const { return absl::StrCat(prefix_, key); }

void Workload::AppendKeyName(size_t key, std::string* name) const {
  absl::StrAppend(name, prefix_, key);
}

void Workload::AppendValue(const PlannedOperation& operation, std::string* value) const {
  const size_t before = value->size();
  absl::StrAppend(value, prefix_, operation.key, ":", operation.index, ":");
  if (value->size() - before < options_.value_bytes) {
    value->resize(before + options_.value_bytes, '.');
  }
}

bool Workload::ValueBelongsTo(size_t key, absl::string_view value) const {
  if (!absl::ConsumePrefix(&value, prefix_)) return false;
  const size_t colon = value.find(':');
  uint64_t number = 0;
  return colon != absl::string_view::npos && absl::SimpleAtoi(value.substr(0, colon), &number) &&
         number == key;
}

}  // namespace quorate::loadgen
