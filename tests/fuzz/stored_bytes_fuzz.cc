// What replicas store, and what clients hand back: records, versions, the state of a store, context
// tokens. The first byte says what the others are.
//
// What decodes, encodes and decodes to the same. Records of one history form a semilattice under
// Merge; and whatever records a store has taken in, it can read what it holds.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"

#include "proto/peer.pb.h"
#include "replication/operation.h"
#include "replication/storage/memory_engine.h"
#include "replication/storage/record.h"
#include "replication/storage/replica_store.h"
#include "replication/storage/stored_state.h"
#include "replication/storage/version.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/histories.h"
#include "tests/fuzz/quiet_protobuf.h"

namespace quorate::fuzz {
namespace {

constexpr size_t kMaxBytes = 4096;

void CheckOrder(const Version& a, const Version& b) {
  const VersionOrder order = a.Compare(b);
  const VersionOrder reverse = b.Compare(a);
  CHECK_EQ(order == VersionOrder::kEqual, a == b);
  CHECK_EQ(order == VersionOrder::kBefore, reverse == VersionOrder::kAfter);
  CHECK_EQ(order == VersionOrder::kConcurrent, reverse == VersionOrder::kConcurrent);
}

void CheckVersion(FuzzInput* input) {
  peer::v1::Version proto;
  if (!proto.ParseFromString(input->Bytes(kMaxBytes))) return;
  const absl::StatusOr<Version> version = Version::FromProto(proto);
  if (!version.ok()) return;
  peer::v1::Version encoded;
  version->ToProto(&encoded);
  const absl::StatusOr<Version> again = Version::FromProto(encoded);
  CHECK(again.ok()) << again.status();
  CHECK(*again == *version) << version->DebugString();
  CHECK_LT(version->Number(), Version::kMaxNumber);
  CheckOrder(*version, *version);
  if (!proto.ParseFromString(input->Bytes(kMaxBytes))) return;
  const absl::StatusOr<Version> other = Version::FromProto(proto);
  if (!other.ok()) return;
  CheckOrder(*version, *other);
  if (version->sequenced() || other->sequenced()) return;
  Version joined = *version;
  joined.Join(*other);
  CHECK(joined.Descends(*version) && joined.Descends(*other)) << joined.DebugString();
  Version reverse = *other;
  reverse.Join(*version);
  CHECK(joined == reverse) << joined.DebugString();
}

// A record from its bytes, and what holds for every record; nullopt where they are none.
std::optional<Record> CheckedRecord(absl::string_view bytes) {
  const absl::StatusOr<Record> record = Record::Decode(bytes);
  if (!record.ok()) return std::nullopt;
  const std::string encoded = record->Encode();
  const absl::StatusOr<Record> again = Record::Decode(encoded);
  CHECK(again.ok()) << again.status();
  CHECK(Same(*again, *record));
  CHECK_EQ(again->Encode(), encoded);
  const absl::StatusOr<Version> version = Record::DecodeVersion(encoded);
  CHECK(version.ok()) << version.status();
  CHECK(*version == record->version);
  CHECK(record->Winner() != nullptr);
  for (size_t i = 1; i < record->siblings.size(); ++i) {
    CHECK(record->siblings[i - 1].dot < record->siblings[i].dot)
        << "a value has no place of its own";
  }
  Record merged = *record;
  CHECK(!merged.Merge(*record)) << "a record has changed by merging into itself";
  return *record;
}

// Records from anywhere are merged into a store, under one key.
void CheckStore(FuzzInput* input) {
  MemoryEngine engine;
  ReplicaStore store(&engine, StoredState());
  Version held;
  while (!input->empty()) {
    const std::optional<Record> record = CheckedRecord(input->Bytes(kMaxBytes));
    if (!record.has_value()) continue;
    const absl::StatusOr<MergeOutcome> merged = store.Merge("key", *record);
    CHECK(merged.ok() || absl::IsInvalidArgument(merged.status())) << merged.status();
    CHECK(store.Commit().ok());
    const absl::StatusOr<std::optional<Record>> now = store.Get("key");
    CHECK(now.ok()) << now.status();
    if (!now->has_value()) continue;
    CHECK((*now)->version.Descends(held)) << "the store went back";
    if (merged.ok()) CHECK((*now)->version.Descends(record->version)) << "a record was left out";
    held = (*now)->version;
  }
}

void CheckDecodeVersion(absl::string_view bytes) {
  const absl::StatusOr<Version> version = Record::DecodeVersion(bytes);
  const absl::StatusOr<Record> record = Record::Decode(bytes);
  // Of bytes that Encode did not write, it may know less than Decode.
  if (version.ok() && record.ok() && record->Encode() == bytes) {
    CHECK(*version == record->version);
  }
}

void CheckStoredState(absl::string_view bytes) {
  MemoryEngine engine;
  CHECK(engine.Apply({{kStateKey, std::string(bytes)}}).ok());
  NewLife life;
  life.durability = Durability::kSynced;
  life.incarnation = 7;
  StoredState named;
  if (named.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    life.cluster = named.cluster();
    life.strategy = named.strategy();
    life.node = named.node();
  }
  const absl::StatusOr<StoredState> first = BeginLife(&engine, life);
  if (!first.ok()) {
    CHECK(absl::IsDataLoss(first.status()) || absl::IsFailedPrecondition(first.status()))
        << first.status();
    return;
  }
  CHECK(!first->clean());
  CHECK(first->complete() || first->through() == 0);
  // A life that has ended as it should is followed by one that knows all that it knew.
  CHECK(EndLife(&engine, *first).ok());
  ++life.incarnation;
  const absl::StatusOr<StoredState> second = BeginLife(&engine, life);
  CHECK(second.ok()) << second.status();
  CHECK_EQ(second->complete(), first->complete());
  CHECK_EQ(second->epoch(), first->epoch());
  CHECK_EQ(second->through(), first->through());
  if (second->complete()) CHECK_EQ(second->incarnation(), first->incarnation());
}

void CheckToken(FuzzInput* input) {
  const std::string key = input->Bytes(kMaxBytes);
  const std::string body = input->Bytes(kMaxBytes);
  const absl::StatusOr<Version> foreign = ParseContextToken(key, body);
  CHECK(foreign.ok() || absl::IsInvalidArgument(foreign.status())) << foreign.status();
  peer::v1::Version proto;
  if (!proto.ParseFromString(body)) return;
  const absl::StatusOr<Version> version = Version::FromProto(proto);
  if (!version.ok()) return;
  std::string token = ContextToken(key, *version);
  const absl::StatusOr<Version> again = ParseContextToken(key, token);
  CHECK(again.ok()) << again.status();
  CHECK(*again == *version);
  CHECK(!ParseContextToken(key + "x", token).ok()) << "taken for another key";
  token[input->Byte() % token.size()] ^= static_cast<char>(1 + input->Below(255));
  CHECK(!ParseContextToken(key, token).ok()) << "taken although one byte is wrong";
}

}  // namespace
}  // namespace quorate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace quorate::fuzz;
  KeepProtobufQuiet();
  FuzzInput input(data, size);
  switch (input.Below(6)) {
    case 0:
      CheckVersion(&input);
      break;
    case 1:
      CheckStore(&input);
      break;
    case 2:
      CheckDecodeVersion(input.Rest());
      break;
    case 3:
      CheckStoredState(input.Rest());
      break;
    case 4:
      CheckToken(&input);
      break;
    default:
      CheckHistory(&input);
      break;
  }
  return 0;
}
