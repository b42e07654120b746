#include "replication/operation.h"

#include <utility>

#include "replication/storage/proto_scratch.h"

namespace quorate {
namespace {

// Four bytes before the version: enough to catch a token that was cut, mixed up or edited by hand.
// It is no signature.
constexpr size_t kChecksumBytes = 4;

// More than any node's id.
constexpr uint64_t kDeleteComesAfter = uint64_t{1} << 32;

void WriteChecksum(absl::string_view key, absl::string_view body, char* checksum) {
  const uint64_t hash = StableHash(body, StableHash("\n", StableHash(key)));
  for (size_t i = 0; i < kChecksumBytes; ++i) {
    checksum[i] = static_cast<char>((hash >> (8 * i)) & 0xff);
  }
}

const Version& RecordedVersion(const OperationResult& result) {
  static const Version& nothing = *new Version();
  return result.record.has_value() ? result.record->version : nothing;
}

}  // namespace

WriteOrder OrderOf(const Version& version, const Sibling& sibling) {
  if (version.sequenced()) return WriteOrder{version.epoch(), version.number(), 0};
  // As Record::Winner() decides, a delete comes after every value of the same clock.
  const uint64_t author = sibling.dot.actor.node + (sibling.tombstone ? kDeleteComesAfter : 0);
  return WriteOrder{sibling.clock, author, ContentHash(sibling.value)};
}

WriteOrder OrderOf(const Record& record) {
  const Sibling* winner = record.Winner();
  return winner == nullptr ? WriteOrder{} : OrderOf(record.version, *winner);
}

const Version& SeenBy(const OperationResult& result) {
  return result.seen.has_value() ? *result.seen : RecordedVersion(result);
}

const Version& SeenBySession(const OperationResult& result) {
  return result.session.has_value() ? *result.session : RecordedVersion(result);
}

std::string ContextToken(absl::string_view key, const Version& version) {
  ProtoScratch scratch;
  auto& proto = *scratch.New<peer::v1::Version>();
  version.ToProto(&proto);
  std::string token(kChecksumBytes, '\0');
  proto.AppendToString(&token);
  WriteChecksum(key, absl::string_view(token).substr(kChecksumBytes), token.data());
  return token;
}

absl::StatusOr<Version> ParseContextToken(absl::string_view key, absl::string_view token) {
  if (token.empty()) return Version();
  const absl::Status damaged = absl::InvalidArgumentError(
      "it is damaged or belongs to another key; use what a reply for this key gave");
  if (token.size() < kChecksumBytes) return damaged;
  const absl::string_view body = token.substr(kChecksumBytes);
  char checksum[kChecksumBytes];
  WriteChecksum(key, body, checksum);
  if (absl::string_view(checksum, kChecksumBytes) != token.substr(0, kChecksumBytes)) {
    return damaged;
  }
  peer::v1::Version proto;
  if (!proto.ParseFromArray(body.data(), static_cast<int>(body.size()))) return damaged;
  absl::StatusOr<Version> version = Version::FromProto(proto);
  if (!version.ok()) return damaged;
  return version;
}

}  // namespace quorate
