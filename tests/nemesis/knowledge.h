// Knowledge: whether reads know of the writes that were acknowledged before them, as the versions
// say that replies carry, whatever clocks say.
//
// Leaderless, a write that hands back a context, or what its session has seen, replaces values that
// its coordinator may not hold. Where clocks differ it may then rank below what it replaces, in the
// order of writes: a read that returns it looks older than the read must be, and is right. A
// version covers what was replaced as well as what is there, so a read whose R replicas meet the W
// of a write has a version that covers that of the write, whoever wrote in between.
//
// Pure functions.
#ifndef QUORATE_TESTS_NEMESIS_KNOWLEDGE_H_
#define QUORATE_TESTS_NEMESIS_KNOWLEDGE_H_

#include <string>
#include <vector>

#include "loadgen/check/check_result.h"
#include "loadgen/check/history.h"
#include "replication/storage/version.h"
#include "tests/nemesis/load.h"

namespace quorate::nemesis {

// What `token` stands for; an empty version where it is none.
Version VersionIn(const std::string& key, const std::string& token);

// Adds a stale read for each read that does not know of a write that was over, and acknowledged,
// before it began; `history` is of dotted versions, sorted by key, with the names of its keys, and
// `session` of an operation is its place in `asked`. Tokens that cannot be read oblige nobody.
check::CheckResult CheckKnowledge(const check::History& history, const std::vector<Asked>& asked);

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_KNOWLEDGE_H_
