#include "replication/storage/stored_state.h"

#include <optional>

#include "absl/strings/str_cat.h"

#include "replication/storage/planted_bugs.h"

namespace quorate {
namespace {

constexpr uint32_t kFormat = 1;

absl::StatusOr<std::optional<StoredState>> Load(StorageEngine* engine) {
  const absl::StatusOr<std::optional<std::string>> bytes = engine->Get(kStateKey);
  if (!bytes.ok()) return bytes.status();
  if (!bytes->has_value()) {
    ScanLimits one;
    one.records = 1;
    const absl::StatusOr<ScanPage> page = engine->Scan(std::nullopt, one);
    if (!page.ok()) return page.status();
    if (page->entries.empty()) return std::optional<StoredState>();
    return absl::FailedPreconditionError(
        "the data were not written by a node of Quorate; name an empty folder or a node's own");
  }
  StoredState state;
  if (!state.ParseFromString(**bytes)) {
    return absl::DataLossError(
        "the node's stored state is damaged; move the folder away and start with an empty one: the "
        "node then gets its data from the others");
  }
  return std::optional<StoredState>(std::move(state));
}

absl::Status CheckOwner(const StoredState& state, const NewLife& life) {
  if (state.format() > kFormat) {
    return absl::FailedPreconditionError(absl::StrCat("the data have format ", state.format(),
                                                      ", and this version knows up to ", kFormat,
                                                      ": start the version that wrote them"));
  }
  const auto other = [](absl::string_view what, absl::string_view theirs, absl::string_view ours) {
    return absl::FailedPreconditionError(absl::StrCat("the data belong to ", what, " '", theirs,
                                                      "', and this node's is '", ours,
                                                      "': correct the setting, or name another "
                                                      "folder"));
  };
  if (state.cluster() != life.cluster) return other("cluster", state.cluster(), life.cluster);
  if (state.strategy() != life.strategy) return other("strategy", state.strategy(), life.strategy);
  if (state.node() != life.node) {
    return other("node", absl::StrCat(state.node()), absl::StrCat(life.node));
  }
  return absl::OkStatus();
}

// Whether these are the data that the life that wrote `state` has left, as it has left them.
bool AreItsOwn(const StoredState& state, const NewLife& life) {
  // A copy of the folder is as old as it may be.
  const bool lost = life.engine_has_lost && !PlantedBug(Bug::kIgnoreLoss);
  return !lost && state.folder() == life.folder;
}

// Whether the end of that life can have taken away nothing that it had applied.
bool HasAll(const StoredState& state, const NewLife& life) {
  return AreItsOwn(state, life) &&
         (state.clean() || (!state.boot().empty() && state.boot() == life.boot));
}

// Whether it can have taken away nothing that it had acknowledged.
bool HasKept(const StoredState& state, const NewLife& life) {
  const bool synced = state.durability() == DurabilityName(Durability::kSynced);
  return HasAll(state, life) || (AreItsOwn(state, life) && synced);
}

absl::Status Store(StorageEngine* engine, const StoredState& state) {
  const absl::Status applied = engine->Apply({{kStateKey, state.SerializeAsString()}});
  return applied.ok() ? engine->Sync() : applied;
}

}  // namespace

const char* DurabilityName(Durability durability) {
  switch (durability) {
    case Durability::kMemory:
      return "memory";
    case Durability::kOs:
      return "os";
    case Durability::kSynced:
      return "synced";
  }
  return "?";
}

absl::StatusOr<StoredState> BeginLife(StorageEngine* engine, const NewLife& life) {
  absl::StatusOr<std::optional<StoredState>> found = Load(engine);
  if (!found.ok()) return found.status();
  StoredState state;
  if (found->has_value()) {
    const absl::Status owner = CheckOwner(**found, life);
    if (!owner.ok()) return owner;
    state = **std::move(found);
  }
  // What was lost may have left this node with dots that its store does not know of.
  const bool has_dots = PlantedBug(Bug::kReuseDots) && state.incarnation() != 0;
  if ((!state.complete() || !HasAll(state, life)) && !has_dots) {
    state.set_incarnation(life.incarnation);
  }
  state.set_complete(state.complete() && HasKept(state, life));
  // Who has kept all it acknowledged need not have kept every write up to its last one: a machine
  // that fails may take something before what it leaves (RocksDB checks no order between its logs).
  if (!state.complete() || !HasAll(state, life)) state.set_through(0);
  state.set_format(kFormat);
  state.set_cluster(life.cluster);
  state.set_node(life.node);
  state.set_strategy(life.strategy);
  state.set_durability(DurabilityName(life.durability));
  state.set_boot(life.boot);
  state.set_folder(life.folder);
  state.set_clean(false);
  if (life.durability == Durability::kMemory) return state;
  const absl::Status stored = Store(engine, state);
  if (!stored.ok()) return stored;
  return state;
}

absl::Status EndLife(StorageEngine* engine, StoredState state) {
  state.set_clean(true);
  return Store(engine, state);
}

}  // namespace quorate
