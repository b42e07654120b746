#include "replication/registry.h"

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "replication/dynamo/leaderless.h"
#include "replication/leader_follower/leader_follower.h"

namespace quorate {
namespace {

struct Entry {
  const char* name;
  bool has_leader;
  bool can_be_linearizable;  // WriteMode::kLinearizable
  std::unique_ptr<Strategy> (*make)(StrategyContext* context);
};

template <typename T>
std::unique_ptr<Strategy> Make(StrategyContext* context) {
  return absl::make_unique<T>(context);
}

constexpr Entry kStrategies[] = {
    {LeaderFollower::kName, /*has_leader=*/true, /*can_be_linearizable=*/false,
     &Make<LeaderFollower>},
    {Leaderless::kName, /*has_leader=*/false, /*can_be_linearizable=*/true, &Make<Leaderless>},
};

const Entry* Find(absl::string_view name) {
  for (const Entry& entry : kStrategies) {
    if (name == entry.name) return &entry;
  }
  return nullptr;
}

}  // namespace

std::vector<std::string> StrategyNames() {
  std::vector<std::string> names;
  for (const Entry& entry : kStrategies) names.push_back(entry.name);
  return names;
}

bool StrategyHasLeader(absl::string_view name) {
  const Entry* entry = Find(name);
  return entry != nullptr && entry->has_leader;
}

bool StrategyCanBeLinearizable(absl::string_view name) {
  const Entry* entry = Find(name);
  return entry != nullptr && entry->can_be_linearizable;
}

absl::StatusOr<std::unique_ptr<Strategy>> MakeStrategy(absl::string_view name,
                                                       StrategyContext* context) {
  const Entry* entry = Find(name);
  if (entry == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("there is no strategy '", name, "'; there are ",
                                                   absl::StrJoin(StrategyNames(), ", ")));
  }
  if (context->config().write_mode == WriteMode::kLinearizable && !entry->can_be_linearizable) {
    return absl::InvalidArgumentError(
        absl::StrCat("write mode linearizable is not one of the strategy ", name));
  }
  return entry->make(context);
}

}  // namespace quorate
