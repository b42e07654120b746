#include "tests/sim/message_text.h"

#include <algorithm>
#include <set>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace quorate::sim {

MessageText::MessageText(const History& history, const MessageLog& messages) {
  std::set<uint64_t> epochs;
  for (const HistoryEvent& event : history.events()) epochs.insert(event.version.epoch());
  for (const MessageLog::Sent& sent : messages.sent()) {
    for (const std::string& bytes : sent.batch->messages()) {
      peer::v1::Message message;
      if (!message.ParseFromString(bytes)) continue;
      epochs.insert(message.ping().leader().epoch());
      epochs.insert(message.pong().highest_epoch());
    }
  }
  epochs.erase(0);
  for (const uint64_t epoch : epochs) epochs_.emplace(epoch, 1 + static_cast<int>(epochs_.size()));
}

std::string MessageText::Epoch(uint64_t epoch) const {
  const auto it = epochs_.find(epoch);
  return it == epochs_.end() ? absl::StrCat("epoch ", epoch) : absl::StrCat("e", it->second);
}

std::string MessageText::Actor(const quorate::Actor& actor) {
  std::vector<uint64_t>& lives = lives_[actor.node];
  const auto it = std::find(lives.begin(), lives.end(), actor.incarnation);
  const size_t place = static_cast<size_t>(it - lives.begin());
  if (it == lives.end()) lives.push_back(actor.incarnation);
  return absl::StrCat("n", actor.node, std::string(place, '\''));
}

std::string MessageText::Of(const Version& version) {
  if (version.empty()) return "nothing";
  if (version.sequenced()) return absl::StrCat(Epoch(version.epoch()), "#", version.number());
  return absl::StrCat("{",
                      absl::StrJoin(version.vector(), " ",
                                    [this](std::string* out, const Dot& dot) {
                                      absl::StrAppend(out, Actor(dot.actor), ":", dot.counter);
                                    }),
                      "}");
}

std::string MessageText::Value(absl::string_view value) {
  while (!value.empty() && value.back() == '.') value.remove_suffix(1);
  if (!value.empty() && value.back() == '/') value.remove_suffix(1);
  return Shown(std::string(value));
}

std::string MessageText::Of(const Record& record) {
  std::string values =
      absl::StrJoin(record.siblings, " | ", [](std::string* out, const Sibling& sibling) {
        absl::StrAppend(out, sibling.tombstone ? "(deleted)" : Value(sibling.value));
      });
  return absl::StrCat(values, values.empty() ? "" : " ", Of(record.version));
}

std::string MessageText::OfEncoded(const std::string& record) {
  const absl::StatusOr<Record> decoded = Record::Decode(record);
  return decoded.ok() ? Of(*decoded) : "(damaged)";
}

std::string MessageText::Entries(
    const google::protobuf::RepeatedPtrField<peer::v1::LogEntry>& entries) {
  return absl::StrJoin(entries, ", ", [this](std::string* out, const peer::v1::LogEntry& entry) {
    absl::StrAppend(out, Shown(entry.key()), "=", OfEncoded(entry.record()));
  });
}

std::string MessageText::Ping(const peer::v1::Ping& ping) {
  std::string text;
  if (ping.syncing()) absl::StrAppend(&text, " I may have forgotten;");
  if (ping.missed() > 0) absl::StrAppend(&text, " you missed ", ping.missed(), " writes;");
  if (ping.leader().epoch() != 0) {
    absl::StrAppend(&text, " I ", ping.leader().serving() ? "lead " : "claim ",
                    Epoch(ping.leader().epoch()), ";");
  }
  if (!text.empty()) text.pop_back();
  return text.empty() ? "" : absl::StrCat("ping:", text);
}

std::string MessageText::Acknowledgement(const peer::v1::ReplicateAck& ack) const {
  if (ack.operations_size() > 0) {
    return ack.syncing() ? "ack; I may have forgotten" : "ack";
  }
  if (ack.epoch() == 0) return "";
  return absl::StrCat("ack ", Epoch(ack.epoch()), "#", ack.base() + 1, "..", ack.through(),
                      ack.resend() ? ", send the next again" : "");
}

std::string MessageText::Forwarded(const peer::v1::Forward& forward) {
  if (forward.read()) return absl::StrCat("forwards get ", Shown(forward.key()));
  return absl::StrCat("forwards ", forward.tombstone() ? "delete " : "set ", Shown(forward.key()),
                      forward.tombstone() ? "" : absl::StrCat("=", Value(forward.value())),
                      forward.w() > 0 ? absl::StrCat(" w=", forward.w()) : "");
}

std::string MessageText::Compare(const peer::v1::Compare& compare) {
  return absl::StrCat(compare.first() ? "compare from the start: I hold " : "compare: I hold ",
                      compare.entries_size() == 0 ? "nothing" : "",
                      absl::StrJoin(compare.entries(), ", ",
                                    [this](std::string* out, const peer::v1::KeyVersion& entry) {
                                      const absl::StatusOr<Version> version =
                                          Version::FromProto(entry.version());
                                      absl::StrAppend(out, Shown(entry.key()), " ",
                                                      version.ok() ? Of(*version) : "(damaged)");
                                    }));
}

std::string MessageText::CompareReply(const peer::v1::CompareReply& reply) {
  return absl::StrCat(
      "compared: you lack ", reply.records_size() == 0 ? "nothing" : Entries(reply.records()),
      reply.done() ? "" : ", more to come", reply.syncing() ? "; I may have forgotten" : "");
}

std::string MessageText::Of(NodeId from, NodeId to, const peer::v1::Message& message) {
  switch (message.body_case()) {
    case peer::v1::Message::kPing:
      return Ping(message.ping());
    case peer::v1::Message::kPong: {
      const std::string ack = Acknowledgement(message.pong().ack());
      if (message.pong().highest_epoch() == 0) return "";
      return absl::StrCat("pong: I know ", Epoch(message.pong().highest_epoch()),
                          ack.empty() ? "" : "; ", ack);
    }
    case peer::v1::Message::kReplicate:
      return absl::StrCat("replicate ", Entries(message.replicate().entries()));
    case peer::v1::Message::kReplicateAck:
      return Acknowledgement(message.replicate_ack());
    case peer::v1::Message::kRead:
      reads_[{from, message.read().operation()}] = Shown(message.read().key());
      return absl::StrCat("read ", Shown(message.read().key()));
    case peer::v1::Message::kReadReply: {
      const peer::v1::ReadReply& reply = message.read_reply();
      return absl::StrCat("has ", reads_[{to, reply.operation()}], "=",
                          reply.found() ? OfEncoded(reply.record()) : "nothing",
                          reply.syncing() ? "; I may have forgotten" : "");
    }
    case peer::v1::Message::kForward:
      return Forwarded(message.forward());
    case peer::v1::Message::kForwardReply: {
      const auto code = static_cast<absl::StatusCode>(message.forward_reply().code());
      return absl::StrCat("forwarded: ", absl::StatusCodeToString(code));
    }
    case peer::v1::Message::kCompare:
      return Compare(message.compare());
    case peer::v1::Message::kCompareReply:
      return CompareReply(message.compare_reply());
    case peer::v1::Message::kConfirmEpoch:
      return absl::StrCat("do you follow ", Epoch(message.confirm_epoch().epoch()), "? (question ",
                          message.confirm_epoch().round(), ")");
    case peer::v1::Message::kEpochConfirmed: {
      const std::string ack = Acknowledgement(message.epoch_confirmed().ack());
      return absl::StrCat("I follow ", Epoch(message.epoch_confirmed().epoch()), " (question ",
                          message.epoch_confirmed().round(), ")", ack.empty() ? "" : "; ", ack);
    }
    default:
      return "";
  }
}

}  // namespace quorate::sim
