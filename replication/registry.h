// Registry: the explicit list of replication strategies. Flags, contract tests and the simulator
// take their strategies from here.
#ifndef QUORATE_REPLICATION_REGISTRY_H_
#define QUORATE_REPLICATION_REGISTRY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "replication/strategy.h"

namespace quorate {

// Every strategy's name, in the order of the list.
std::vector<std::string> StrategyNames();

// Whether one node of the strategy must be configured as its leader.
bool StrategyHasLeader(absl::string_view name);

// Whether the strategy knows WriteMode::kLinearizable.
bool StrategyCanBeLinearizable(absl::string_view name);

// INVALID_ARGUMENT where there is no such strategy, naming those that exist, or where it does not
// know the write mode of the context's configuration. `context` must outlive the strategy.
absl::StatusOr<std::unique_ptr<Strategy>> MakeStrategy(absl::string_view name,
                                                       StrategyContext* context);

}  // namespace quorate

#endif  // QUORATE_REPLICATION_REGISTRY_H_
