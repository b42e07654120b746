// MessageText: what messages, records and results carry, in few words. Incarnations and epochs,
// which are long numbers, get short names: n2' is the second life of node 2 that shows, e1 the
// lowest epoch.
//
// Not thread-safe.
#ifndef QUORATE_TESTS_SIM_MESSAGE_TEXT_H_
#define QUORATE_TESTS_SIM_MESSAGE_TEXT_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

#include "proto/peer.pb.h"
#include "replication/storage/record.h"
#include "replication/storage/version.h"
#include "tests/sim/history.h"
#include "tests/sim/message_log.h"

namespace quorate::sim {

class MessageText {
 public:
  // Names the epochs that show anywhere.
  MessageText(const History& history, const MessageLog& messages);

  // What a message from one node to another carries; empty for what only keeps sessions going.
  std::string Of(NodeId from, NodeId to, const peer::v1::Message& message);

  std::string Of(const Version& version);
  std::string Of(const Record& record);
  // A value that clients write ends with dots: these are left out.
  static std::string Value(absl::string_view value);

 private:
  std::string OfEncoded(const std::string& record);
  std::string Entries(const google::protobuf::RepeatedPtrField<peer::v1::LogEntry>& entries);
  std::string Epoch(uint64_t epoch) const;
  std::string Actor(const quorate::Actor& actor);
  std::string Ping(const peer::v1::Ping& ping);
  std::string Acknowledgement(const peer::v1::ReplicateAck& ack) const;
  std::string Forwarded(const peer::v1::Forward& forward);
  std::string Compare(const peer::v1::Compare& compare);
  std::string CompareReply(const peer::v1::CompareReply& reply);

  std::map<uint64_t, int> epochs_;
  std::map<NodeId, std::vector<uint64_t>> lives_;             // incarnations in order of showing
  std::map<std::pair<NodeId, uint64_t>, std::string> reads_;  // key of (asker, operation)
};

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_MESSAGE_TEXT_H_
