// Rules that can be broken on purpose, to see that the simulator's checkers notice. Only the test
// variant of the replication library (targets ending in _planted) is compiled with
// QUORATE_PLANTED_BUGS; in every other build PlantedBug is a constant and costs nothing.
#ifndef QUORATE_REPLICATION_STORAGE_PLANTED_BUGS_H_
#define QUORATE_REPLICATION_STORAGE_PLANTED_BUGS_H_

namespace quorate {

enum class Bug {
  kNone,
  // Quorums.
  kAnswerBeforeW,      // a write is answered with one acknowledgement fewer than W
  kReadBeforeR,        // a read is answered with one answer fewer than R
  kCountReplicaTwice,  // the first replica that accepts counts as two
  kFirstAnswerWins,    // a read returns what came first instead of what is newest
  kForgetSession,      // a read returns less than its session has seen
  kEndLate,            // an operation is given twice the time that its client asked for
  kRepeatWritesAgain,  // a repeat of a write is taken for another write
  kDenyUnknown,        // of a write whose outcome is not known, nothing is said to be written
  // Linearizable reads and writes.
  kReadWithoutWriteBack,  // a read returns what too few replicas hold
  kReadBeforeHeld,        // a leader's read does
  kWriteWithoutAsking,    // a write takes its clock without asking what is newest
  // Disks.
  kAcknowledgeBeforeDurable,  // what waits for a sync goes on without it
  kShowBeforeDurable,         // a read shows what a crash may still take away
  kReuseDots,                 // a node that has lost writes goes on with the dots that they had
  kBelieveTornTail,           // what was written of a batch is read as if it were whole
  kIgnoreChecksums,           // damaged bytes are read as if they were whole
  kIgnoreLoss,                // a life does not hear that its engine has lost what was synced
  // Records.
  kOverwriteWithoutCompare,  // a replica stores what arrives last instead of merging
  kRepairWithOlder,          // a replica that is repaired takes over an older record
  kLoseSiblings,             // of two concurrent records, merging keeps one
  kLoseTombstone,            // of concurrent records, merging keeps no delete beside a value
  kReplaceUnseen,            // a write replaces values that its writer has not seen
  kDeleteUnseen,             // a delete does so, a set does not
  // Catching up.
  kSyncingAnswersAbsent,  // a node that may have forgotten answers all the same
  kServeBeforeComparing,  // a node that may have forgotten compares with one other only
  kDropTombstones,        // deletes are left out
  kSkipPages,             // only the first page is fetched
  // Leader and followers.
  kLeadBeforeComparing,   // a leader leads without having asked what its followers hold
  kWriteUnadopted,        // a leader takes writes for less than W in an epoch that too few know
  kReuseEpoch,            // a leader goes on with an epoch that an earlier start has used
  kAcceptGaps,            // a follower goes on behind an entry that it lacks
  kCaughtUpBeforePulled,  // a follower takes itself for caught up once it has begun to fetch
  kKeepAdopted,           // what a leader learns late, it does not pass on
};

#ifdef QUORATE_PLANTED_BUGS
// The bug of this process; set before any replica runs.
inline Bug planted_bug = Bug::kNone;
inline bool PlantedBug(Bug bug) { return planted_bug == bug; }
#else
constexpr bool PlantedBug(Bug) { return false; }
#endif

}  // namespace quorate

#endif  // QUORATE_REPLICATION_STORAGE_PLANTED_BUGS_H_
