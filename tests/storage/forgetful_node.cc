// The node program on a machine whose power goes with the process: what was not synced is lost when
// it is killed, and the machine has started anew when it starts again.
#include <memory>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"

#include "node/node_world.h"
#include "node/run_node.h"
#include "tests/storage/faulty_file_system.h"

int main(int argc, char** argv) {
  quorate::NodeWorld world;
  world.storage.rocksdb.file_system = std::make_shared<quorate::FaultyFileSystem>();
  absl::BitGen random;
  world.storage.boot = absl::StrCat("boot-", absl::Uniform<uint64_t>(random));
  return quorate::RunNode(argc, argv, world);
}
