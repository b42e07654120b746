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
  std::unique_ptr<Strategy> (*make)(StrategyContext* context);
};

template <typename T>
std::unique_ptr<Strategy> Make(StrategyContext* context) {
  return absl::make_unique<T>(context);
}

constexpr Entry kStrategies[] = {
    {LeaderFollower::kName, /*has_leader=*/true, &Make<LeaderFollower>},
    {Leaderless::kName, /*has_leader=*/false, &Make<Leaderless>},
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

absl::StatusOr<std::unique_ptr<Strategy>> MakeStrategy(absl::string_view name,
                                                       StrategyContext* context) {
  const Entry* entry = Find(name);
  if (entry == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("there is no strategy '", name, "'; there are ",
                                                   absl::StrJoin(StrategyNames(), ", ")));
  }
  return entry->make(context);
}

}  // namespace quorate
