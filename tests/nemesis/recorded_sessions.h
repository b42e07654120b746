// RecordedSessions: what clients that handed back their session's token were told, in the form that
// the simulator's checker of sessions reads (tests/sim/checkers/sessions.cc). It compares versions,
// so neither clocks nor what nodes have forgotten excuse anything.
//
// The load generator's checker of sessions compares the order of writes instead, and takes whatever
// a client did for a part of its session; here a session is what its tokens say.
#ifndef QUORATE_TESTS_NEMESIS_RECORDED_SESSIONS_H_
#define QUORATE_TESTS_NEMESIS_RECORDED_SESSIONS_H_

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "replication/strategy.h"
#include "tests/nemesis/load.h"
#include "tests/sim/history.h"
#include "tests/sim/schedule.h"

namespace quorate::nemesis {

struct RecordedSessions {
  // Successful operations with something of their session to know; nothing of nodes and times.
  sim::History history;
  std::vector<size_t> places;  // of its operations, in LoadResult::asked
};

// `promises` by (W, R), as HistorySetting has them.
RecordedSessions RecordSessions(const sim::ScheduleSetting& setting,
                                const std::map<std::pair<int, int>, Guarantee>& promises,
                                const LoadResult& load);

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_RECORDED_SESSIONS_H_
