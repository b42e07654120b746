// NodeWorld: what tests put around a node in place of the real thing. An empty one is the real
// thing.
#ifndef QUORATE_NODE_NODE_WORLD_H_
#define QUORATE_NODE_NODE_WORLD_H_

#include <functional>
#include <memory>

#include "absl/time/time.h"

#include "node/incoming_line.h"
#include "node/node_store.h"

namespace quorate {

struct NodeWorld {
  NodeStorage storage;
  // In place of the delays that the configuration asks for. Used by one node.
  std::shared_ptr<IncomingLine> incoming;
  // The wall clock. Called on any thread.
  std::function<absl::Time()> wall_clock;
};

}  // namespace quorate

#endif  // QUORATE_NODE_NODE_WORLD_H_
