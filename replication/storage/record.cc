#include "replication/storage/record.h"

#include <algorithm>
#include <utility>
#include <xxhash.h>

#include "absl/status/status.h"
#include "google/protobuf/io/coded_stream.h"

#include "replication/storage/planted_bugs.h"
#include "replication/storage/proto_scratch.h"

namespace quorate {
namespace {

// Microseconds: a date some 2,000 years away. Anything above is damage.
constexpr uint64_t kMaxClock = uint64_t{1} << 56;

// Keeps of `mine` what `theirs` still has or has never seen (the sibling rule of dotted version
// vectors).
void DropReplaced(const Record& theirs, std::vector<Sibling>* mine) {
  const auto replaced = [&theirs](const Sibling& sibling) {
    if (!theirs.version.Contains(sibling.dot)) return false;
    return std::none_of(theirs.siblings.begin(), theirs.siblings.end(),
                        [&sibling](const Sibling& other) { return other.dot == sibling.dot; });
  };
  mine->erase(std::remove_if(mine->begin(), mine->end(), replaced), mine->end());
}

bool Beats(const Sibling& a, const Sibling& b) {
  if (a.clock != b.clock) return a.clock > b.clock;
  if (a.tombstone != b.tombstone) return a.tombstone;
  if (a.dot.actor.node != b.dot.actor.node) return a.dot.actor.node > b.dot.actor.node;
  return ContentHash(a.value) > ContentHash(b.value);
}

// Whether a value may stand behind those that `record` has.
absl::Status CheckFits(const Record& record, const Dot& dot, const peer::v1::Sibling& entry) {
  if (entry.clock() >= kMaxClock) {
    return absl::InvalidArgumentError("record has a timestamp out of range");
  }
  if (entry.request().size() > kMaxRequestIdBytes) {
    return absl::InvalidArgumentError("record has a value whose write has too long a name");
  }
  if (record.version.sequenced()) {
    if (!entry.has_dot() && entry.clock() == 0) return absl::OkStatus();
    return absl::InvalidArgumentError("record is sequenced and has a dotted value");
  }
  if (dot.counter == 0 || !record.version.Contains(dot)) {
    return absl::InvalidArgumentError("record has a value that its version does not cover");
  }
  if (!record.siblings.empty() && !(record.siblings.back().dot < dot)) {
    return absl::InvalidArgumentError("record has values out of order, or one twice");
  }
  return absl::OkStatus();
}

}  // namespace

Record Record::Sequenced(uint64_t epoch, uint64_t number, bool tombstone, std::string value) {
  Record record;
  record.version = Version::Sequenced(epoch, number);
  record.siblings.push_back(Sibling{Dot{}, 0, tombstone, std::move(value)});
  return record;
}

absl::StatusOr<Record> Record::Decode(absl::string_view bytes) {
  ProtoScratch scratch;
  peer::v1::Record& proto = *scratch.New<peer::v1::Record>();
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError("record cannot be decoded");
  }
  absl::StatusOr<Version> version = Version::FromProto(proto.version());
  if (!version.ok()) return version.status();
  Record record;
  record.version = *std::move(version);
  if (record.version.empty() || proto.siblings_size() == 0 ||
      (record.version.sequenced() && proto.siblings_size() != 1)) {
    return absl::InvalidArgumentError("record has the wrong number of values for its version");
  }
  record.siblings.reserve(proto.siblings_size());
  for (peer::v1::Sibling& entry : *proto.mutable_siblings()) {
    const Dot dot{{entry.dot().node(), entry.dot().incarnation()}, entry.dot().counter()};
    const absl::Status fits = CheckFits(record, dot, entry);
    if (!fits.ok()) return fits;
    record.siblings.push_back(Sibling{dot, entry.clock(), entry.tombstone(),
                                      std::move(*entry.mutable_value()),
                                      std::move(*entry.mutable_request())});
  }
  return record;
}

absl::StatusOr<Version> Record::DecodeVersion(absl::string_view bytes) {
  // Length-delimited, and first in what Encode writes.
  constexpr uint32_t kVersionTag = peer::v1::Record::kVersionFieldNumber << 3 | 2;
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                                            static_cast<int>(bytes.size()));
  uint32_t size = 0;
  if (in.ReadTag() != kVersionTag || !in.ReadVarint32(&size)) {
    return absl::InvalidArgumentError("record does not begin with its version");
  }
  bytes.remove_prefix(static_cast<size_t>(in.CurrentPosition()));
  ProtoScratch scratch;
  peer::v1::Version& proto = *scratch.New<peer::v1::Version>();
  if (size > bytes.size() || !proto.ParseFromArray(bytes.data(), static_cast<int>(size))) {
    return absl::InvalidArgumentError("record's version cannot be decoded");
  }
  return Version::FromProto(proto);
}

std::string Record::Encode() const {
  ProtoScratch scratch;
  peer::v1::Record& proto = *scratch.New<peer::v1::Record>();
  version.ToProto(proto.mutable_version());
  for (const Sibling& sibling : siblings) {
    peer::v1::Sibling* entry = proto.add_siblings();
    if (!version.sequenced()) {
      entry->mutable_dot()->set_node(sibling.dot.actor.node);
      entry->mutable_dot()->set_incarnation(sibling.dot.actor.incarnation);
      entry->mutable_dot()->set_counter(sibling.dot.counter);
      entry->set_clock(sibling.clock);
    }
    entry->set_tombstone(sibling.tombstone);
    entry->set_value(sibling.value);
    entry->set_request(sibling.request);
  }
  return proto.SerializeAsString();
}

bool Record::Merge(const Record& other) {
  switch (version.Compare(other.version)) {
    case VersionOrder::kAfter:
    case VersionOrder::kEqual:
      return false;
    case VersionOrder::kBefore:
      *this = other;
      return true;
    case VersionOrder::kConcurrent:
      break;
  }
  if (PlantedBug(Bug::kLoseSiblings)) {
    siblings = other.siblings;
    version.Join(other.version);
    return true;
  }
  std::vector<Sibling> theirs = other.siblings;
  DropReplaced(*this, &theirs);
  DropReplaced(other, &siblings);
  for (Sibling& sibling : theirs) {
    const bool known =
        std::any_of(siblings.begin(), siblings.end(),
                    [&sibling](const Sibling& mine) { return mine.dot == sibling.dot; });
    if (!known) siblings.push_back(std::move(sibling));
  }
  if (PlantedBug(Bug::kLoseTombstone)) {
    const auto tombstones = std::stable_partition(
        siblings.begin(), siblings.end(), [](const Sibling& one) { return !one.tombstone; });
    if (tombstones != siblings.begin()) siblings.erase(tombstones, siblings.end());
  }
  // One order whichever side merged, so that equal records have equal bytes.
  std::sort(siblings.begin(), siblings.end(),
            [](const Sibling& a, const Sibling& b) { return a.dot < b.dot; });
  version.Join(other.version);
  return true;
}

int Record::Put(const Version& context, Sibling write) {
  const bool replaces_all =
      PlantedBug(Bug::kReplaceUnseen) || (PlantedBug(Bug::kDeleteUnseen) && write.tombstone);
  const auto seen = [&](const Sibling& sibling) {
    return replaces_all || context.Contains(sibling.dot);
  };
  const auto kept = std::remove_if(siblings.begin(), siblings.end(), seen);
  const int replaced = static_cast<int>(siblings.end() - kept);
  siblings.erase(kept, siblings.end());
  version.Join(context);
  version.Add(write.dot);
  const auto place =
      std::lower_bound(siblings.begin(), siblings.end(), write,
                       [](const Sibling& a, const Sibling& b) { return a.dot < b.dot; });
  siblings.insert(place, std::move(write));
  return replaced;
}

size_t Record::ValueBytes() const {
  size_t bytes = 0;
  for (const Sibling& sibling : siblings) bytes += sibling.value.size();
  return bytes;
}

const Sibling* Record::Winner() const {
  const Sibling* winner = nullptr;
  for (const Sibling& sibling : siblings) {
    if (winner == nullptr || Beats(sibling, *winner)) winner = &sibling;
  }
  return winner;
}

bool Record::OthersCoveredBy(const Version& context, const Dot& dot) const {
  return std::any_of(siblings.begin(), siblings.end(), [&](const Sibling& sibling) {
    return !(sibling.dot == dot) && context.Contains(sibling.dot);
  });
}

uint64_t ContentHash(absl::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

uint64_t StableHash(absl::string_view bytes, uint64_t basis) {
  uint64_t hash = basis;
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211u;
  }
  return hash;
}

}  // namespace quorate
