// Sessions and staleness against their definitions, written out as loops over all pairs.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/check/history.h"
#include "loadgen/check/random_history.h"
#include "loadgen/check/sessions.h"
#include "loadgen/check/staleness.h"

namespace quorate::check {
namespace {

constexpr int kHistories = 30'000;

// What the definitions speak of: operations with a version.
struct Versioned {
  size_t place = 0;
  Operation operation;
  uint64_t version = 0;
};

std::vector<Versioned> VersionedOf(const RandomHistory& random) {
  const std::vector<Operation>& operations = random.history.operations;
  std::vector<Versioned> versioned;
  for (size_t i = 0; i < operations.size(); ++i) {
    const Truth& truth = random.truth[i];
    if (operations[i].is_read()) {
      if (!operations[i].ok() || truth.source == Truth::kPhantom) continue;
      const uint64_t version =
          truth.source == Truth::kInitial ? 0 : random.truth[truth.source].version;
      versioned.push_back(Versioned{i, operations[i], version});
      continue;
    }
    const bool was_read =
        std::any_of(operations.begin(), operations.end(), [&](const Operation& other) {
          const size_t place = static_cast<size_t>(&other - operations.data());
          return other.is_read() && other.ok() && random.truth[place].source == static_cast<int>(i);
        });
    if (operations[i].ok() || (operations[i].outcome == Outcome::kUnknown && was_read)) {
      versioned.push_back(Versioned{i, operations[i], truth.version});
    }
  }
  return versioned;
}

struct Counts {
  uint64_t read_your_writes = 0;
  uint64_t monotonic_reads = 0;
  uint64_t monotonic_writes = 0;
  uint64_t writes_follow_reads = 0;

  friend bool operator==(const Counts& a, const Counts& b) {
    return a.read_your_writes == b.read_your_writes && a.monotonic_reads == b.monotonic_reads &&
           a.monotonic_writes == b.monotonic_writes &&
           a.writes_follow_reads == b.writes_follow_reads;
  }
};

Counts CountByPairs(const std::vector<Versioned>& operations) {
  Counts counts;
  for (const Versioned& b : operations) {
    bool below_write = false;
    bool below_read = false;
    bool not_above_write = false;
    bool not_above_read = false;
    for (const Versioned& a : operations) {
      if (a.operation.session != b.operation.session) continue;
      if (a.operation.finish() >= b.operation.start) continue;
      const bool write = a.operation.is_write();
      below_write = below_write || (write && b.version < a.version);
      below_read = below_read || (!write && b.version < a.version);
      not_above_write = not_above_write || (write && b.version <= a.version);
      not_above_read = not_above_read || (!write && b.version <= a.version);
    }
    const bool read = b.operation.is_read();
    counts.read_your_writes += read && below_write ? 1 : 0;
    counts.monotonic_reads += read && below_read ? 1 : 0;
    counts.monotonic_writes += !read && not_above_write ? 1 : 0;
    counts.writes_follow_reads += !read && not_above_read ? 1 : 0;
  }
  return counts;
}

TEST(BruteForceTest, SessionsAgreeWithTheirDefinitions) {
  std::mt19937_64 random_numbers(11);
  Counts seen;
  for (int i = 0; i < kHistories; ++i) {
    SCOPED_TRACE(testing::Message() << "history " << i);
    const RandomHistory random = MakeRandomHistory(RandomHistoryOptions(), &random_numbers);
    const Counts expected = CountByPairs(VersionedOf(random));
    const SessionResults results = CheckSessions(random.history);
    const Counts counted{results.read_your_writes.conflicts(), results.monotonic_reads.conflicts(),
                         results.monotonic_writes.conflicts(),
                         results.writes_follow_reads.conflicts()};
    ASSERT_EQ(counted, expected);
    seen.read_your_writes += expected.read_your_writes;
    seen.monotonic_reads += expected.monotonic_reads;
    seen.monotonic_writes += expected.monotonic_writes;
    seen.writes_follow_reads += expected.writes_follow_reads;
  }
  EXPECT_GT(seen.read_your_writes, 500u);
  EXPECT_GT(seen.monotonic_reads, 500u);
  EXPECT_GT(seen.monotonic_writes, 500u);
  EXPECT_GT(seen.writes_follow_reads, 500u);
}

// Of one read, by the definitions.
struct ReadFacts {
  bool stale = false;
  bool inversion = false;
  uint64_t missed = 0;
  Nanos at_least = 0;
  Nanos at_most = 0;
};

ReadFacts FactsByPairs(const std::vector<Versioned>& operations, const Versioned& read) {
  ReadFacts facts;
  Nanos first_end = kNever;
  Nanos first_start = kNever;
  bool read_more = false;
  for (const Versioned& a : operations) {
    if (a.version <= read.version || a.operation.finish() >= read.operation.start) continue;
    if (a.operation.is_read()) {
      read_more = true;
      continue;
    }
    ++facts.missed;
    first_end = std::min(first_end, a.operation.end);
    first_start = std::min(first_start, a.operation.start);
  }
  facts.stale = facts.missed > 0;
  facts.inversion = !facts.stale && read_more;
  if (facts.stale) {
    facts.at_least = read.operation.start - first_end;
    facts.at_most = read.operation.end - first_start;
  }
  return facts;
}

TEST(BruteForceTest, StalenessAgreesWithItsDefinitions) {
  std::mt19937_64 random_numbers(12);
  uint64_t stale_seen = 0;
  uint64_t inversions_seen = 0;
  for (int i = 0; i < kHistories; ++i) {
    SCOPED_TRACE(testing::Message() << "history " << i);
    const RandomHistory random = MakeRandomHistory(RandomHistoryOptions(), &random_numbers);
    std::vector<StaleRead> found;
    const Staleness staleness = MeasureStaleness(
        random.history, [&found](const StaleRead& read) { found.push_back(read); });
    const std::vector<Versioned> operations = VersionedOf(random);
    uint64_t reads = 0;
    uint64_t stale = 0;
    uint64_t inversions = 0;
    for (const Versioned& read : operations) {
      if (read.operation.is_write()) continue;
      ++reads;
      const ReadFacts facts = FactsByPairs(operations, read);
      inversions += facts.inversion ? 1 : 0;
      if (!facts.stale) continue;
      ASSERT_LT(stale, found.size());
      const StaleRead& measured = found[stale];
      EXPECT_EQ(measured.operation, read.place);
      EXPECT_EQ(measured.missed, facts.missed);
      EXPECT_EQ(measured.obsolete_at_least, facts.at_least);
      EXPECT_EQ(measured.obsolete_at_most, facts.at_most);
      EXPECT_EQ(staleness.obsolete_at_least[stale], facts.at_least);
      ++stale;
    }
    ASSERT_EQ(staleness.reads, reads);
    ASSERT_EQ(staleness.stale, stale);
    ASSERT_EQ(staleness.missed[0], reads - stale);
    ASSERT_EQ(staleness.inversions, inversions);
    ASSERT_EQ(staleness.not_judged, 0u);
    stale_seen += stale;
    inversions_seen += inversions;
  }
  EXPECT_GT(stale_seen, 3'000u);
  EXPECT_GT(inversions_seen, 500u);
}

}  // namespace
}  // namespace quorate::check
