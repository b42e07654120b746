#include "tests/fuzz/peer_message_maker.h"

#include <cstdint>
#include <string>

#include "replication/cluster_config.h"
#include "replication/operation.h"
#include "replication/replica.h"

namespace quorate::fuzz {
namespace {

using peer::v1::Message;

constexpr size_t kLongestText = 300;
constexpr int kMostEntries = 3;

class Maker {
 public:
  Maker(const PeerWorld& world, FuzzInput* input) : world_(world), input_(*input) {}

  Message Make() {
    Message message;
    switch (input_.Below(14)) {
      case 0:
        FillPing(message.mutable_ping());
        break;
      case 1:
        message.mutable_pong()->set_highest_epoch(Epoch());
        FillAck(message.mutable_pong()->mutable_ack());
        break;
      case 2:
      case 3:
        FillReplicate(message.mutable_replicate());
        break;
      case 4:
        FillAck(message.mutable_replicate_ack());
        break;
      case 5:
        message.mutable_read()->set_operation(Operation());
        message.mutable_read()->set_key(Key());
        break;
      case 6:
        FillReadReply(message.mutable_read_reply());
        break;
      case 7:
        FillForward(message.mutable_forward());
        break;
      case 8:
        FillForwardReply(message.mutable_forward_reply());
        break;
      case 9:
        FillCompare(message.mutable_compare());
        break;
      case 10:
        FillCompareReply(message.mutable_compare_reply());
        break;
      case 11:
        FillGreeting(&message);
        break;
      case 12:
        message.mutable_confirm_epoch()->set_epoch(Epoch());
        message.mutable_confirm_epoch()->set_round(input_.Number());
        break;
      default:
        FillEpochConfirmed(message.mutable_epoch_confirmed());
        break;
    }
    return message;
  }

 private:
  std::string Key() {
    const int choice = input_.Below(8);
    if (choice < 6) return PeerWorld::kKeys[choice % PeerWorld::kKeys.size()];
    return input_.Bytes(kLongestText);
  }
  NodeId Node() { return 1 + input_.Below(PeerWorld::kNodes); }
  uint64_t Epoch() {
    return input_.Below(4) != 0 ? world_.EpochOf(Node()) + input_.Below(2) : input_.Number();
  }
  uint64_t Operation() {
    const auto& operations = world_.operations();
    const uint64_t back = input_.Number();
    if (back < operations.size()) return operations[operations.size() - 1 - back];
    // One that a leader has opened for a follower, or any.
    return input_.Flag() ? Replica::kFirstInternalId + back : back;
  }

  void FillDot(peer::v1::Dot* dot) {
    const NodeId node = Node();
    dot->set_node(node);
    dot->set_incarnation(input_.Below(4) != 0 ? world_.IncarnationOf(node) : input_.Number());
    dot->set_counter(input_.Number());
  }
  void FillVersion(bool sequenced, peer::v1::Version* version) {
    if (sequenced) {
      version->set_epoch(Epoch());
      version->set_number(input_.Number());
      return;
    }
    for (int i = input_.Below(kMostEntries + 1); i > 0; --i) FillDot(version->add_vector());
  }
  std::string EncodedRecord() {
    peer::v1::Record record;
    const bool sequenced = input_.Flag();
    FillVersion(sequenced, record.mutable_version());
    for (int i = sequenced ? 1 : input_.Below(kMostEntries + 1); i > 0; --i) {
      peer::v1::Sibling* sibling = record.add_siblings();
      const int entries = record.version().vector_size();
      if (entries > 0 && input_.Below(4) != 0) {
        *sibling->mutable_dot() = record.version().vector(input_.Below(entries));
      } else if (!sequenced) {
        FillDot(sibling->mutable_dot());
      }
      if (!sequenced) sibling->set_clock(input_.Number());
      sibling->set_tombstone(input_.Flag());
      sibling->set_value(input_.Bytes(kLongestText));
    }
    return record.SerializeAsString();
  }
  void FillEntry(peer::v1::LogEntry* entry, uint64_t number) {
    entry->set_number(number);
    entry->set_key(Key());
    entry->set_record(EncodedRecord());
  }
  void FillReplicate(peer::v1::Replicate* replicate) {
    replicate->set_epoch(Epoch());
    uint64_t number = input_.Flag() ? Operation() : input_.Number();
    for (int i = input_.Below(kMostEntries + 1); i > 0; --i) {
      FillEntry(replicate->add_entries(), number++);
    }
  }
  void FillAck(peer::v1::ReplicateAck* ack) {
    ack->set_epoch(Epoch());
    ack->set_base(input_.Number());
    ack->set_through(input_.Number());
    ack->set_resend(input_.Flag());
    for (int i = input_.Below(kMostEntries + 1); i > 0; --i) ack->add_operations(Operation());
    ack->set_syncing(input_.Below(4) == 3);
  }
  void FillEpochConfirmed(peer::v1::EpochConfirmed* confirmed) {
    confirmed->set_epoch(Epoch());
    confirmed->set_round(input_.Number());
    FillAck(confirmed->mutable_ack());
  }
  void FillPing(peer::v1::Ping* ping) {
    ping->set_syncing(input_.Flag());
    ping->set_missed(input_.Number());
    if (input_.Flag()) return;
    peer::v1::LeaderState* leader = ping->mutable_leader();
    leader->set_epoch(Epoch());
    leader->set_window_first(input_.Number());
    leader->set_serving(input_.Flag());
    leader->set_n(static_cast<uint32_t>(input_.Number()));
    leader->set_w(static_cast<uint32_t>(input_.Number()));
    leader->set_r(static_cast<uint32_t>(input_.Number()));
    if (input_.Flag()) leader->add_members()->set_id(Node());
  }
  void FillReadReply(peer::v1::ReadReply* reply) {
    reply->set_operation(Operation());
    reply->set_syncing(input_.Below(4) == 0);
    reply->set_found(input_.Below(4) != 0);
    if (reply->found()) reply->set_record(EncodedRecord());
  }
  void FillForward(peer::v1::Forward* forward) {
    forward->set_operation(Operation());
    forward->set_key(Key());
    forward->set_value(input_.Bytes(kLongestText));
    forward->set_tombstone(input_.Flag());
    forward->set_w(static_cast<uint32_t>(input_.Number()));
    forward->set_timeout_us(input_.Number() * 1000);
    forward->set_read(input_.Flag());
  }
  void FillForwardReply(peer::v1::ForwardReply* reply) {
    reply->set_operation(Operation());
    reply->set_code(static_cast<int32_t>(input_.Flag() ? 0 : input_.Number()));
    reply->set_error(input_.Flag() ? "error" : "");
    reply->set_may_have_applied(input_.Flag());
    reply->set_acks(static_cast<uint32_t>(input_.Number()));
    reply->set_required(static_cast<uint32_t>(input_.Number()));
    FillVersion(input_.Flag(), reply->mutable_version());
    reply->set_found(input_.Flag());
    if (reply->found()) reply->set_record(EncodedRecord());
  }
  void FillCompare(peer::v1::Compare* compare) {
    compare->set_page(input_.Number());
    compare->set_first(input_.Flag());
    if (input_.Flag()) compare->set_after_key(Key());
    if (input_.Flag()) compare->set_through_key(Key());
    for (int i = input_.Below(kMostEntries + 1); i > 0; --i) {
      peer::v1::KeyVersion* entry = compare->add_entries();
      entry->set_key(Key());
      FillVersion(input_.Flag(), entry->mutable_version());
    }
  }
  void FillCompareReply(peer::v1::CompareReply* reply) {
    reply->set_page(input_.Number());
    for (int i = input_.Below(kMostEntries + 1); i > 0; --i) {
      FillEntry(reply->add_records(), /*number=*/0);
    }
    if (input_.Flag()) reply->set_through_key(Key());
    reply->set_done(input_.Flag());
    reply->set_syncing(input_.Below(4) == 0);
    reply->set_epoch(Epoch());
    reply->set_as_of(input_.Number());
  }
  void FillGreeting(Message* message) {
    if (input_.Flag()) {
      peer::v1::Hello* hello = message->mutable_hello();
      hello->set_attempt(input_.Number());
      if (input_.Below(4) != 3) {
        // One that is accepted.
        const ClusterConfig& settings = world_.settings();
        hello->set_n(static_cast<uint32_t>(settings.quorums.n));
        hello->set_strategy(settings.strategy);
        hello->set_durability(DurabilityName(settings.durability));
        hello->set_write_mode(WriteModeName(settings.write_mode));
        return;
      }
      hello->set_n(static_cast<uint32_t>(input_.Number()));
      hello->set_strategy(input_.Bytes(kLongestText));
      hello->set_durability(input_.Bytes(kLongestText));
      hello->set_write_mode(input_.Bytes(kLongestText));
      return;
    }
    peer::v1::HelloReply* reply = message->mutable_hello_reply();
    reply->set_attempt(input_.Number());
    reply->set_session(input_.Number());
    if (input_.Below(4) == 0) reply->set_refusal("refused");
  }

  const PeerWorld& world_;
  FuzzInput& input_;
};

}  // namespace

Message MakeMessage(const PeerWorld& world, FuzzInput* input) { return Maker(world, input).Make(); }

}  // namespace quorate::fuzz
