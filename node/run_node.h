// RunNode: the node program.
#ifndef QUORATE_NODE_RUN_NODE_H_
#define QUORATE_NODE_RUN_NODE_H_

#include "node/node_world.h"

namespace quorate {

// Runs one node, as flags and environment say, until SIGTERM or SIGINT. Returns the exit status:
// 0 ended as asked, 1 the shutdown took too long, 2 wrong usage, 3 the node could not start.
// Called from main, once. `world.storage` counts where data are kept on disk.
int RunNode(int argc, char** argv, const NodeWorld& world = {});

}  // namespace quorate

#endif  // QUORATE_NODE_RUN_NODE_H_
