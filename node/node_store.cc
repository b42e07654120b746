#include "node/node_store.h"

#include <cstdint>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"

#include "replication/storage/memory_engine.h"

namespace quorate {
namespace {

// Changes with every start of the machine; empty where the system does not tell.
std::string BootId() {
  std::string id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
  return id;
}

// Another one for each folder that the system has had; the same for a folder that was only moved. A
// number alone would do no more than tell folders apart that exist at one time in one file system:
// when it was made is known to most of these.
uint64_t FolderId(const std::string& folder) {
  struct stat about = {};
  if (stat(folder.c_str(), &about) != 0) return 0;
  struct statx more = {};
  const bool told = statx(AT_FDCWD, folder.c_str(), 0, STATX_BTIME, &more) == 0;
  if (!told || (more.stx_mask & STATX_BTIME) == 0) return about.st_ino;
  const int64_t born = more.stx_btime.tv_sec * 1'000'000'000 + more.stx_btime.tv_nsec;
  return about.st_ino ^ (static_cast<uint64_t>(born) << 1);
}

}  // namespace

NodeStore::NodeStore(std::unique_ptr<StorageEngine> engine, StoredState state)
    : engine_(std::move(engine)), state_(std::move(state)) {}

NodeStore::~NodeStore() { StopSyncing(); }

absl::StatusOr<std::unique_ptr<NodeStore>> NodeStore::Open(const NodeConfig& config,
                                                           Incarnation incarnation,
                                                           const NodeStorage& storage) {
  NewLife life;
  life.cluster = config.cluster.cluster;
  life.node = config.cluster.self;
  life.strategy = config.cluster.strategy;
  life.durability = config.cluster.durability;
  life.boot = storage.boot.empty() ? BootId() : storage.boot;
  life.incarnation = incarnation;
  if (config.data_dir.empty()) {
    auto engine = std::make_unique<MemoryEngine>();
    absl::StatusOr<StoredState> state = BeginLife(engine.get(), life);
    if (!state.ok()) return state.status();
    return absl::WrapUnique(new NodeStore(std::move(engine), *std::move(state)));
  }
  absl::StatusOr<std::unique_ptr<RocksDbEngine>> engine =
      RocksDbEngine::Open(config.data_dir, storage.rocksdb);
  if (!engine.ok()) return engine.status();
  life.folder = FolderId(config.data_dir);
  life.engine_has_lost = (*engine)->has_lost();
  if (life.engine_has_lost) {
    LOG(WARNING) << "the log in " << config.data_dir
                 << " was damaged before its end: what followed "
                 << "is lost, and the node compares its data with the others' before it serves";
  }
  absl::StatusOr<StoredState> state = BeginLife(engine->get(), life);
  if (!state.ok()) {
    return absl::Status(state.status().code(),
                        absl::StrCat("--data_dir=", config.data_dir,
                                     " cannot be used: ", state.status().message()));
  }
  const absl::Status noted = (*engine)->NoteLoss();
  if (!noted.ok()) return noted;
  return absl::WrapUnique(new NodeStore(*std::move(engine), *std::move(state)));
}

void NodeStore::StartSyncing(Synced synced) {
  CHECK(!thread_.joinable());
  synced_ = std::move(synced);
  thread_ = std::thread([this] { SyncLoop(); });
}

void NodeStore::RequestSync(SyncTicket ticket) {
  MutexLock lock(&mu_);
  wanted_ = ticket;
  changed_.Signal();
}

void NodeStore::SyncLoop() {
  SyncTicket synced = 0;
  while (true) {
    SyncTicket ticket = 0;
    {
      MutexLock lock(&mu_);
      while (wanted_ == synced && !stopping_) changed_.Wait(&mu_);
      if (stopping_) return;
      ticket = wanted_;
    }
    const absl::Status status = engine_->Sync();
    synced = ticket;
    synced_(ticket, status);
  }
}

void NodeStore::StopSyncing() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
    changed_.Signal();
  }
  if (thread_.joinable()) thread_.join();
}

absl::Status NodeStore::EndLife(const StoredState& state) {
  return quorate::EndLife(engine_.get(), state);
}

}  // namespace quorate
