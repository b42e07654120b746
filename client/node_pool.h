// NodePool: the channels and streams to the nodes of a NodeDirectory, which it keeps up to date by
// asking the nodes for their status.
#ifndef QUORATE_CLIENT_NODE_POOL_H_
#define QUORATE_CLIENT_NODE_POOL_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/status.h"

#include "client/connection_options.h"
#include "client/event_loop.h"
#include "client/node_directory.h"
#include "client/node_stream.h"
#include "proto/kv.grpc.pb.h"

namespace quorate {

// Belongs to a connection's thread.
class NodePool {
 public:
  using StatusDone = std::function<void(const grpc::Status&, const v1::StatusResponse&)>;

  // `loop` and `listener` must outlive the pool.
  NodePool(const ConnectionOptions& options, EventLoop* loop, NodeStreamListener* listener);
  // Must be idle.
  ~NodePool();

  NodePool(const NodePool&) = delete;
  NodePool& operator=(const NodePool&) = delete;

  NodeDirectory& directory() { return directory_; }
  NodeStream& stream(size_t node) { return *nodes_[node].stream; }

  // Asks all nodes for their status, again and again. `oriented` is called once, unless the pool is
  // shut down: when it is known which cluster this is, or no target can be asked.
  void Start(std::function<void()> oriented);
  // Whether that has happened. Before, a call might go to another cluster than later ones.
  bool oriented() const { return oriented_; }
  // Asks them soon, since something is wrong; not more often than is reasonable.
  void RefreshSoon();
  // As in NodeDirectory. The node is asked for its status, again and again, until it answers.
  void Failed(size_t node);

  // Calls Status of a node, or of any address. `done` is called once, unless the pool is shut down.
  // Returns what Cancel takes.
  class StatusCall;
  StatusCall* AskStatus(size_t node, absl::Duration timeout, StatusDone done);
  StatusCall* AskStatus(const std::string& address, absl::Duration timeout, StatusDone done);
  // `done` is not called any more.
  void Cancel(StatusCall* call);

  void Flush();
  void Shutdown();
  // Whether no call is under way.
  bool idle() const;

 private:
  struct Node {
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<v1::KeyValue::Stub> stub;
    std::unique_ptr<NodeStream> stream;
    bool asked = false;      // for its status, by Ask
    bool was_asked = false;  // and has answered or failed
    EventLoop::TimerId ask_again;
  };

  // Makes channels and streams for nodes that the directory has learned of, and asks them.
  void Grow();
  // Asks all nodes for their status.
  void Refresh();
  // Asks one, unless it is being asked.
  void Ask(size_t node);
  // A node has been asked.
  void Orient(bool answered);
  StatusCall* StartStatus(std::unique_ptr<v1::KeyValue::Stub> own_stub, v1::KeyValue::Stub* stub,
                          absl::Duration timeout, StatusDone done);

  const ConnectionOptions options_;
  EventLoop* const loop_;
  NodeStreamListener* const listener_;
  NodeDirectory directory_;
  std::vector<Node> nodes_;
  std::set<StatusCall*> status_calls_;
  bool shut_down_ = false;
  bool oriented_ = false;
  std::function<void()> on_oriented_;
  SteadyTime last_refresh_;
  EventLoop::TimerId refresh_timer_;
};

}  // namespace quorate

#endif  // QUORATE_CLIENT_NODE_POOL_H_
