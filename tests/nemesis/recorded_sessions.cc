#include "tests/nemesis/recorded_sessions.h"

#include <string>

#include "absl/time/time.h"

#include "loadgen/check/history.h"
#include "replication/cluster_config.h"
#include "replication/operation.h"
#include "replication/storage/record.h"
#include "tests/nemesis/knowledge.h"

namespace quorate::nemesis {
namespace {

sim::HistorySetting SettingOf(const sim::ScheduleSetting& setting,
                              const std::map<std::pair<int, int>, Guarantee>& promises) {
  sim::HistorySetting result;
  result.strategy = setting.strategy;
  result.quorums = Quorums{setting.n, setting.w, setting.r};
  result.promises = promises;
  return result;
}

sim::HistoryOperation Called(const std::string& key, int client, const Asked& asked) {
  sim::HistoryOperation called;
  called.client = client;
  called.final_phase = asked.final_phase;
  called.operation.kind = asked.kind;
  called.operation.key = key;
  called.operation.linearizable = asked.linearizable;
  // A linearizable read has no R of its own.
  if (called.operation.is_write()) called.operation.w = asked.quorum;
  if (!called.operation.is_write() && !asked.linearizable) called.operation.r = asked.quorum;
  called.session = VersionIn(key, asked.handed.session);
  return called;
}

// The token for the session stands for all that it has seen, be it in the record or not.
OperationResult Told(const std::string& key, const Asked& asked) {
  OperationResult result;
  if (!asked.told.context.empty()) {
    result.record = Record{VersionIn(key, asked.told.context), {}};
  }
  result.session = VersionIn(key, asked.told.session);
  return result;
}

}  // namespace

RecordedSessions RecordSessions(const sim::ScheduleSetting& setting,
                                const std::map<std::pair<int, int>, Guarantee>& promises,
                                const LoadResult& load) {
  RecordedSessions recorded{sim::History(SettingOf(setting, promises)), {}};
  for (const check::Operation& operation : load.history.operations) {
    const size_t place = operation.session;
    const Asked& asked = load.asked[place];
    if (!operation.ok() || asked.handed.session.empty()) continue;
    const std::string key = check::KeyName(load.history, operation.key);
    const size_t index = recorded.history.Called(absl::Nanoseconds(operation.start),
                                                 Called(key, load.clients[place], asked));
    recorded.history.Ended(absl::Nanoseconds(operation.end), index, /*node_not_serving=*/false,
                           Told(key, asked));
    recorded.places.push_back(place);
  }
  return recorded;
}

}  // namespace quorate::nemesis
