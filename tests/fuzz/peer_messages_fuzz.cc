// Messages between replicas. Three real ones run; the input says what happens to them: which
// batches arrive, get lost, come twice, are damaged or replaced, what clients ask for, when disks
// are ready, and who starts anew. What must hold all along is in peer_world.h.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "proto/peer.pb.h"
#include "replication/cluster_config.h"
#include "replication/registry.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/peer_message_maker.h"
#include "tests/fuzz/peer_world.h"
#include "tests/fuzz/quiet_protobuf.h"

namespace quorate::fuzz {
namespace {

constexpr size_t kMaxBytes = 1024;
constexpr int kMostSteps = 100;

// Short times and small limits, so that a short input meets them.
ClusterConfig SettingsFrom(FuzzInput* input) {
  ClusterConfig settings;
  const std::vector<std::string> strategies = StrategyNames();
  settings.strategy = strategies[input->Below(static_cast<int>(strategies.size()))];
  const int choice = input->Byte();
  settings.quorums.n = PeerWorld::kNodes;
  settings.quorums.w = 1 + choice % PeerWorld::kNodes;
  settings.quorums.r = 1 + choice / 4 % PeerWorld::kNodes;
  settings.durability = choice / 16 % 2 == 0 ? Durability::kMemory : Durability::kSynced;
  settings.read_all = choice / 32 % 2 == 1;
  settings.forward_writes = choice / 64 % 2 == 0;
  if (choice / 128 == 1 && StrategyCanBeLinearizable(settings.strategy)) {
    settings.write_mode = WriteMode::kLinearizable;
    settings.quorums.w = settings.quorums.r = Majority(settings.quorums.n);
  }
  settings.max_key_bytes = 16;
  settings.max_value_bytes = 256;
  settings.max_open_operations = 8;
  settings.max_read_bytes = 2048;
  settings.max_window_bytes = 1024;
  settings.max_unacknowledged_bytes = 512;
  settings.heartbeat_interval = absl::Milliseconds(50);
  settings.peer_timeout = absl::Milliseconds(100);
  settings.resend_interval = absl::Milliseconds(20);
  settings.anti_entropy_interval = absl::Milliseconds(400);
  return settings;
}

class Run {
 public:
  explicit Run(FuzzInput* input) : input_(*input), world_(SettingsFrom(input)) {}

  void Go() {
    // Most of what can go wrong needs replicas that have found each other.
    if (input_.Below(4) != 0) world_.FindEachOther();
    for (int step = 0; step < kMostSteps && !input_.empty(); ++step) {
      Step();
      world_.Check();
    }
    world_.CheckEnd();
  }

 private:
  NodeId Node() { return 1 + input_.Below(PeerWorld::kNodes); }

  void Step() {
    const int choice = input_.Below(16);
    const NodeId node = Node();
    switch (choice) {
      case 0:
        return world_.RunHonestly(absl::Milliseconds(input_.Below(128)));
      case 1:
        return world_.Advance(absl::Milliseconds(input_.Byte()));
      case 2:
      case 3:
        return world_.Submit(node, MakeOperation());
      case 4:
        return world_.CancelOldest(node);
      case 5:
        return world_.Sync(node, /*works=*/input_.Below(16) != 15);
      case 6:
        return world_.Link(node, Node(), /*up=*/input_.Flag());
      case 7:
        return world_.Restart(node, /*forget=*/input_.Flag());
      case 8: {
        peer::v1::Batch batch;
        if (batch.ParseFromString(input_.Bytes(kMaxBytes))) world_.Receive(node, batch);
        return;
      }
      default:
        return Deliver(node, choice);
    }
  }

  Operation MakeOperation() {
    Operation operation;
    const int choice = input_.Byte();
    operation.kind = static_cast<OperationKind>(choice % 4);
    operation.key = PeerWorld::kKeys[choice / 4 % PeerWorld::kKeys.size()];
    operation.timeout = PeerWorld::kLongestTimeout / (1 + choice / 16 % 4);
    if (choice / 64 % 2 == 1) {
      operation.w = input_.Below(5);
      operation.r = input_.Below(5);
    }
    if (choice / 128 == 1) {
      operation.linearizable = operation.kind == OperationKind::kGet;
      if (operation.is_write()) operation.context = ContextToken(operation.key, SomeVersion());
    }
    if (operation.kind == OperationKind::kSet) operation.value = input_.Bytes(kMaxBytes);
    return operation;
  }

  // As a client may have read it.
  Version SomeVersion() {
    if (input_.Flag()) return Version::Sequenced(world_.EpochOf(1), input_.Number());
    const NodeId node = Node();
    Version version;
    const uint64_t counter = 1 + input_.Number() % (Version::kMaxCounter - 1);
    version.Add(Dot{{node, world_.IncarnationOf(node)}, counter});
    return version;
  }

  // What becomes of the oldest batch on a way to `node`.
  void Deliver(NodeId node, int choice) {
    const NodeId from = Node();
    std::deque<peer::v1::Batch>& way = world_.Way(from, node);
    peer::v1::Batch batch = way.empty() ? world_.NextLike(from, node) : way.front();
    const bool repeat = choice == 10;
    if (!way.empty() && !repeat) way.pop_front();
    switch (choice) {
      case 9:
      case 10:
        break;  // arrives as it is
      case 11:
        return;  // is lost
      case 12:
        Damage(&batch);
        break;
      case 13:
        batch.add_messages(input_.Bytes(kMaxBytes));
        break;
      case 14:
        Misaddress(&batch);
        break;
      default:
        Add(MakeMessage(world_, &input_), &batch);
        break;
    }
    world_.Receive(node, batch);
  }

  static void Add(const peer::v1::Message& message, peer::v1::Batch* batch) {
    batch->add_messages(message.SerializeAsString());
    if (!message.has_hello() && !message.has_hello_reply()) return;
    // Elsewhere nobody looks at a greeting.
    batch->set_session(0);
    batch->set_reply(message.has_hello_reply());
  }

  void Damage(peer::v1::Batch* batch) {
    if (batch->messages_size() == 0) return;
    std::string* message = batch->mutable_messages(input_.Below(batch->messages_size() % 256 + 1) %
                                                   batch->messages_size());
    if (message->empty()) return;
    const size_t place = input_.Number() % message->size();
    if (input_.Flag()) {
      (*message)[place] = static_cast<char>(input_.Byte());
    } else {
      message->resize(place);
    }
  }

  void Misaddress(peer::v1::Batch* batch) {
    switch (input_.Below(6)) {
      case 0:
        batch->set_from(static_cast<uint32_t>(input_.Number()));
        break;
      case 1:
        batch->set_from_incarnation(input_.Number());
        break;
      case 2:
        batch->set_to_incarnation(input_.Number());
        break;
      case 3:
        batch->set_session(batch->session() + input_.Number());
        break;
      case 4:
        batch->set_sequence(input_.Number());
        break;
      default:
        batch->set_reply(!batch->reply());
        break;
    }
  }

  FuzzInput& input_;
  PeerWorld world_;
};

}  // namespace
}  // namespace quorate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  quorate::fuzz::KeepProtobufQuiet();
  quorate::fuzz::FuzzInput input(data, size);
  quorate::fuzz::Run(&input).Go();
  return 0;
}
