#include "tests/sim/situations.h"

#include <map>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/match.h"

#include "replication/registry.h"
#include "tests/sim/history.h"
#include "tests/sim/sim_cluster.h"

namespace quorate::sim {
namespace {

uint64_t Observed(const RunResult& run, const char* name) {
  const auto it = run.observed.find(name);
  return it == run.observed.end() ? 0 : it->second;
}

// What `name` counts.
template <const char* name>
uint64_t Seen(const RunResult& run) {
  return Observed(run, name);
}

// What nodes say, and what they count.
constexpr char kAbdicates[] = "a follower has seen epoch  above : taking a new one";
constexpr char kPassed[] = "the leader's window has passed this node: catching up anew";
constexpr char kServesAgain[] = "has compared with enough peers: serving";
constexpr char kConflicts[] = "conflicts";
constexpr char kReadRepairs[] = "read_repairs";
constexpr char kWriteBacks[] = "read_write_backs";
constexpr char kHedged[] = "reads_hedged";
constexpr char kPulled[] = "records_pulled";
constexpr char kAdopted[] = "records_adopted";
constexpr char kResent[] = "entries_resent";

template <typename Matches>
uint64_t CountOperations(const RunResult& run, Matches matches) {
  uint64_t count = 0;
  for (const HistoryOperation& operation : run.history->operations()) {
    count += matches(operation) ? 1 : 0;
  }
  return count;
}

bool Refused(const HistoryOperation& operation, absl::StatusCode code) {
  return operation.outcome == Outcome::kEnded && operation.result.status.code() == code &&
         !operation.result.may_have_applied;
}

bool Unknown(const HistoryOperation& operation) {
  if (!operation.operation.is_write() || operation.ok()) return false;
  return operation.outcome == Outcome::kConnectionLost ||
         (operation.outcome == Outcome::kEnded && operation.result.may_have_applied);
}

// Reads that began after the client of a write had heard nothing certain, and that return it.
uint64_t UnknownAppeared(const RunResult& run) {
  std::map<std::string, const HistoryOperation*> unknown;  // sets, by value
  for (const HistoryOperation& operation : run.history->operations()) {
    if (Unknown(operation) && operation.operation.kind == OperationKind::kSet) {
      unknown[operation.operation.value] = &operation;
    }
  }
  return CountOperations(run, [&unknown](const HistoryOperation& read) {
    if (read.operation.is_write() || !read.ok() || !read.result.record.has_value()) return false;
    const Sibling* const shown = read.result.record->Winner();
    const auto it = shown == nullptr ? unknown.end() : unknown.find(shown->value);
    return it != unknown.end() && it->second->ended_at < read.called_at;
  });
}

uint64_t AllDown(const RunResult& run) {
  std::set<NodeId> up;
  uint64_t count = 0;
  for (const HistoryEvent& event : run.history->events()) {
    if (event.kind == EventKind::kStart) up.insert(event.node);
    if (event.kind == EventKind::kCrash && up.erase(event.node) > 0 && up.empty()) ++count;
  }
  return count;
}

std::vector<Situation> OfAny() {
  return {
      {"a write of unknown outcome is read later", SeenWith::kAny, UnknownAppeared},
      {"a client goes away before its answer", SeenWith::kAny,
       [](const RunResult& run) {
         return CountOperations(
             run, [](const auto& one) { return Refused(one, absl::StatusCode::kCancelled); });
       }},
      {"a node refuses what is too much at once", SeenWith::kAny,
       [](const RunResult& run) {
         return CountOperations(run, [](const auto& one) {
           return Refused(one, absl::StatusCode::kResourceExhausted);
         });
       }},
      {"too few nodes are connected for an operation", SeenWith::kAny,
       [](const RunResult& run) {
         return CountOperations(
             run, [](const auto& one) { return Refused(one, absl::StatusCode::kUnavailable); });
       }},
      {"a read asks one more node, since an answer takes long", SeenWith::kAny, Seen<kHedged>},
      {"a node that may have forgotten answers no read", SeenWith::kAny, Seen<kReadRefused>},
      {"a node catches up on records", SeenWith::kAny, Seen<kPulled>},
      {"a comparison of stores takes more than one page", SeenWith::kAny, Seen<kNextPage>},
      {"all nodes are down at one time", SeenWith::kAny, AllDown},
      {"nodes are cut off one by one and come back in another order", SeenWith::kAny,
       [](const RunResult& run) { return static_cast<uint64_t>(run.swizzles); }},
      {"a torn batch is dropped", SeenWith::kAny, Seen<kTornBatch>},
      {"a log is cut at a wrong checksum", SeenWith::kAny, Seen<kCutLog>},
      {"a record with a wrong checksum is not read", SeenWith::kAny, Seen<kDamagedRead>},
      {"a full disk refuses a write", SeenWith::kAny, Seen<kNoRoom>},
      {"a sync fails, and the next life is told", SeenWith::kAny, Seen<kFailedSync>},
      {"an acknowledged write is forgotten by W of its holders", SeenWith::kAny,
       [](const RunResult& run) { return run.report.writes_excused; }},
      {"an acknowledged write is lost, since no node held it any more", SeenWith::kAny,
       [](const RunResult& run) { return run.report.writes_lost; }},
      {"a read is stale where that is allowed", SeenWith::kAny,
       [](const RunResult& run) { return run.report.stale_reads_allowed; }},
      {"a read returns less than an earlier one where that is allowed", SeenWith::kAny,
       [](const RunResult& run) { return run.report.inversions_allowed; }},
  };
}

std::vector<Situation> OfLeaders() {
  return {
      {"a leader takes over what only a follower had held", SeenWith::kLeader, Seen<kAdopted>},
      {"a leader gives up its epoch for a higher one", SeenWith::kLeader, Seen<kAbdicates>},
      {"a follower asks again for what it lacks in between", SeenWith::kLeader, Seen<kResendAsked>},
      {"a leader sends entries again", SeenWith::kLeader, Seen<kResent>},
      {"a follower catches up anew, since the window has passed it", SeenWith::kLeader,
       Seen<kPassed>},
      {"a follower hands a write on to the leader", SeenWith::kLeader,
       [](const RunResult& run) {
         return CountOperations(run, [](const auto& one) {
           return one.ok() && one.operation.is_write() && one.result.node != one.node;
         });
       }},
  };
}

std::vector<Situation> OfLeaderless() {
  return {
      {"concurrent values come to stand beside one another", SeenWith::kLeaderless,
       Seen<kConflicts>},
      {"a write settles concurrent values", SeenWith::kLeaderless,
       [](const RunResult& run) {
         return CountOperations(run,
                                [](const auto& one) { return one.result.replaced_siblings > 1; });
       }},
      {"a read repairs a replica that is behind", SeenWith::kLeaderless, Seen<kReadRepairs>},
      {"a linearizable read writes back what too few hold", SeenWith::kLeaderless,
       Seen<kWriteBacks>},
      {"what a node that may have forgotten acknowledges does not count", SeenWith::kLeaderless,
       [](const RunResult& run) {
         const bool counts = run.plan.cluster.config.write_mode == WriteMode::kPlain;
         return counts ? 0 : Observed(run, kWriteRefused);
       }},
      {"a node that may have forgotten has heard enough and serves", SeenWith::kLeaderless,
       Seen<kServesAgain>},
      {"a coordinator whose clock is behind refuses a write", SeenWith::kLeaderless,
       [](const RunResult& run) {
         return CountOperations(run, [](const auto& one) {
           return absl::StrContains(one.result.status.message(), "clock is behind");
         });
       }},
  };
}

}  // namespace

const std::vector<Situation>& Situations() {
  static const auto& situations = *[] {
    auto all = new std::vector<Situation>;
    for (const auto& some : {OfAny(), OfLeaders(), OfLeaderless()}) {
      all->insert(all->end(), some.begin(), some.end());
    }
    return all;
  }();
  return situations;
}

bool CanBeSeen(const Situation& situation, const std::string& strategy) {
  switch (situation.seen_with) {
    case SeenWith::kAny:
      return true;
    case SeenWith::kLeader:
      return StrategyHasLeader(strategy);
    case SeenWith::kLeaderless:
      return !StrategyHasLeader(strategy);
  }
  return false;
}

}  // namespace quorate::sim
