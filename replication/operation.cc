#include "replication/operation.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace quorate {
namespace {

// Four bytes before the version: enough to catch a token that was cut, mixed up or edited by hand.
// It is no signature.
constexpr size_t kChecksumBytes = 4;

std::string Checksum(absl::string_view key, absl::string_view body) {
  const uint64_t hash = StableHash(absl::StrCat(key, "\n", body));
  std::string checksum;
  for (size_t i = 0; i < kChecksumBytes; ++i) {
    checksum.push_back(static_cast<char>((hash >> (8 * i)) & 0xff));
  }
  return checksum;
}

}  // namespace

WriteOrder OrderOf(const Version& version, const Sibling& sibling) {
  if (version.sequenced()) return WriteOrder{version.epoch(), version.number(), 0};
  return WriteOrder{sibling.clock, sibling.dot.actor.node, StableHash(sibling.value)};
}

WriteOrder OrderOf(const Record& record) {
  const Sibling* winner = record.Winner();
  return winner == nullptr ? WriteOrder{} : OrderOf(record.version, *winner);
}

const Version& SeenBy(const OperationResult& result) {
  static const Version& nothing = *new Version();
  if (result.seen.has_value()) return *result.seen;
  return result.record.has_value() ? result.record->version : nothing;
}

std::string ContextToken(absl::string_view key, const Version& version) {
  peer::v1::Version proto;
  version.ToProto(&proto);
  const std::string body = proto.SerializeAsString();
  return absl::StrCat(Checksum(key, body), body);
}

absl::StatusOr<Version> ParseContextToken(absl::string_view key, absl::string_view token) {
  if (token.empty()) return Version();
  const absl::Status damaged = absl::InvalidArgumentError(
      "context is damaged or belongs to another key; use the context of a reply for this key");
  if (token.size() < kChecksumBytes) return damaged;
  const absl::string_view body = token.substr(kChecksumBytes);
  if (Checksum(key, body) != token.substr(0, kChecksumBytes)) return damaged;
  peer::v1::Version proto;
  if (!proto.ParseFromArray(body.data(), static_cast<int>(body.size()))) return damaged;
  absl::StatusOr<Version> version = Version::FromProto(proto);
  if (!version.ok()) return damaged;
  return version;
}

}  // namespace quorate
