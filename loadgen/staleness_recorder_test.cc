#include "loadgen/staleness_recorder.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

Order Version(uint64_t version) { return Order{0, version, 0}; }

StalenessRecorderOptions Keys(size_t keys) {
  StalenessRecorderOptions options;
  options.keys = keys;
  return options;
}

void Write(StalenessRecorder* recorder, uint64_t version, Nanos sent, Nanos acknowledged,
           uint32_t session = kNoSession, size_t key = 0) {
  recorder->OnWriteSent(key, sent);
  recorder->OnWriteAcknowledged(key, Version(version), version, sent, acknowledged, session);
}

ReadVerdict Read(StalenessRecorder* recorder, uint64_t version, Nanos sent, Nanos ended,
                 uint32_t session = kNoSession) {
  const ReadToken token = recorder->OnReadSent(0, sent, session);
  const std::optional<Order> order =
      version == 0 ? std::nullopt : std::optional<Order>(Version(version));
  return recorder->OnReadAnswered(0, token, order, version, ended, session);
}

TEST(StalenessRecorderTest, OnlyEarlierAcknowledgementsOblige) {
  StalenessRecorder recorder(Keys(1));
  Write(&recorder, 1, 0, 10);
  Write(&recorder, 2, 15, 20);
  EXPECT_FALSE(Read(&recorder, 1, 20, 30).stale);  // sent at the very time: concurrent
  EXPECT_TRUE(Read(&recorder, 1, 21, 30).stale);
  EXPECT_FALSE(Read(&recorder, 2, 21, 30).stale);
  EXPECT_FALSE(Read(&recorder, 3, 21, 30).stale);  // a write that nobody has acknowledged
  EXPECT_EQ(recorder.figures().reads, 4u);
  EXPECT_EQ(recorder.figures().stale, 1u);
  EXPECT_NEAR(recorder.figures().StaleShare().high, 0.6994, 1e-3);
}

TEST(StalenessRecorderTest, TellsHowManyWritesAndHowLongAReadIsBehind) {
  StalenessRecorder recorder(Keys(1));
  Write(&recorder, 1, 0, 10);
  Write(&recorder, 2, 12, 20);
  Write(&recorder, 3, 22, 30);
  Write(&recorder, 4, 32, 40);
  const ReadVerdict verdict = Read(&recorder, 1, 100, 107);
  EXPECT_TRUE(verdict.stale);
  EXPECT_EQ(verdict.k, 3u);
  EXPECT_EQ(verdict.t, 80);        // since version 2 was acknowledged
  EXPECT_EQ(verdict.t_upper, 95);  // since version 2 was sent, until the read ended
  EXPECT_FALSE(verdict.bounds_only);
  ASSERT_EQ(recorder.figures().examples.size(), 1u);
  EXPECT_EQ(recorder.figures().examples[0].expected_version, 4u);
  EXPECT_EQ(recorder.figures().examples[0].actual_version, 1u);
  EXPECT_EQ(recorder.figures().examples[0].since_write, 60);
  EXPECT_EQ(recorder.figures().k[3], 1u);
  EXPECT_EQ(recorder.figures().t.max(), 80);
}

TEST(StalenessRecorderTest, NothingFoundAfterAnAcknowledgementIsStale) {
  StalenessRecorder recorder(Keys(1));
  EXPECT_FALSE(Read(&recorder, 0, 0, 1).stale);
  Write(&recorder, 1, 2, 3);
  const ReadVerdict verdict = Read(&recorder, 0, 10, 11);
  EXPECT_TRUE(verdict.stale);
  EXPECT_TRUE(verdict.loosely_stale);
  EXPECT_EQ(recorder.figures().absent, 2u);
}

TEST(StalenessRecorderTest, LooselyStaleIsWhatRanBesideAWrite) {
  StalenessRecorder recorder(Keys(1));
  Write(&recorder, 1, 0, 10);
  const ReadToken token = recorder.OnReadSent(0, 15, kNoSession);
  Write(&recorder, 2, 12, 20);
  const ReadVerdict verdict = recorder.OnReadAnswered(0, token, Version(1), 1, 25, kNoSession);
  EXPECT_FALSE(verdict.stale);
  EXPECT_TRUE(verdict.loosely_stale);
  EXPECT_EQ(recorder.figures().loosely_stale, 1u);
  EXPECT_EQ(recorder.figures().stale, 0u);
  EXPECT_EQ(DescribeDifference(recorder.figures()),
            "Strictly stale are 0 of 1 reads (0 %): they returned less than what had been "
            "acknowledged before they were sent. Loosely stale are 1 (100 %): the expected version "
            "is looked up when the answer is there, so 1 of these only ran beside a write.");
}

TEST(StalenessRecorderTest, InversionsAreNotStale) {
  StalenessRecorder recorder(Keys(1));
  Write(&recorder, 1, 0, 10);
  recorder.OnWriteSent(0, 20);  // version 2, which nobody acknowledges
  EXPECT_FALSE(Read(&recorder, 2, 21, 25).inversion);
  EXPECT_FALSE(Read(&recorder, 1, 25, 30).inversion);  // ran beside the other read
  const ReadVerdict verdict = Read(&recorder, 1, 26, 30);
  EXPECT_TRUE(verdict.inversion);
  EXPECT_FALSE(verdict.stale);
  EXPECT_EQ(recorder.figures().inversions, 1u);
}

TEST(StalenessRecorderTest, SessionsSeeTheirOwnPastOnly) {
  StalenessRecorder recorder(Keys(1));
  EXPECT_FALSE(Read(&recorder, 5, 0, 1, /*session=*/1).breaks_monotonic_reads);
  EXPECT_FALSE(Read(&recorder, 4, 2, 3, /*session=*/2).breaks_monotonic_reads);
  EXPECT_TRUE(Read(&recorder, 4, 4, 5, /*session=*/1).breaks_monotonic_reads);
  Write(&recorder, 6, 6, 7, /*session=*/2);
  EXPECT_FALSE(Read(&recorder, 5, 8, 9, /*session=*/1).breaks_read_your_writes);
  EXPECT_TRUE(Read(&recorder, 5, 10, 11, /*session=*/2).breaks_read_your_writes);
  EXPECT_EQ(recorder.figures().monotonic_read_violations, 1u);
  EXPECT_EQ(recorder.figures().read_your_writes_violations, 1u);
}

TEST(StalenessRecorderTest, GapsAreFromSendingToSending) {
  std::vector<Nanos> between;
  StalenessRecorderOptions options = Keys(2);
  options.on_read_write_interval = [&between](Nanos gap) { between.push_back(gap); };
  StalenessRecorder recorder(options);
  Write(&recorder, 1, 100, 900, kNoSession, /*key=*/1);  // another key
  Write(&recorder, 1, 100, 900);
  Read(&recorder, 0, 110, 115);
  Read(&recorder, 0, 130, 135);
  recorder.OnWriteSent(0, 170);
  recorder.OnWriteSent(0, 250);
  EXPECT_EQ(recorder.figures().write_read.max(), 10);
  EXPECT_EQ(recorder.figures().read_read.max(), 20);
  EXPECT_EQ(recorder.figures().read_write.max(), 40);
  EXPECT_EQ(recorder.figures().write_write.max(), 80);
  EXPECT_EQ(recorder.figures().write_write.count(), 1u);
  EXPECT_EQ(between, (std::vector<Nanos>{10, 40}));
}

TEST(StalenessRecorderTest, WhatIsNotMeasuredIsRememberedButNotCounted) {
  StalenessRecorder recorder(Keys(1));
  recorder.OnWriteSent(0, 0, /*measured=*/false);
  recorder.OnWriteAcknowledged(0, Version(1), 1, 0, 10, kNoSession);
  const ReadToken token = recorder.OnReadSent(0, 20, kNoSession, /*measured=*/false);
  EXPECT_TRUE(recorder.OnReadAnswered(0, token, std::nullopt, 0, 21, kNoSession).stale);
  EXPECT_EQ(recorder.figures().reads, 0u);
  EXPECT_EQ(recorder.figures().write_read.count(), 0u);
  EXPECT_TRUE(Read(&recorder, 0, 30, 31).stale);
  EXPECT_EQ(recorder.figures().stale, 1u);
}

TEST(StalenessRecorderTest, SortsReadsByTheTimeSinceTheWrite) {
  StalenessRecorder recorder(Keys(1));
  Write(&recorder, 1, 0, 0);
  Read(&recorder, 0, 999, 5000);
  Read(&recorder, 1, 1000, 5000);
  Read(&recorder, 0, 1'584'999, 5'000'000);
  Read(&recorder, 1, 1'585'000, 5'000'000);
  Read(&recorder, 1, 1'000 * kNanosPerSecond, 1'001 * kNanosPerSecond);
  const std::vector<DeltaBucket>& buckets = recorder.figures().by_delta;
  ASSERT_EQ(buckets.size(), static_cast<size_t>(DeltaBucket::kCount));
  EXPECT_EQ(buckets[0].from, 0);
  EXPECT_EQ(buckets[0].reads, 1u);
  EXPECT_EQ(buckets[0].stale, 1u);
  EXPECT_EQ(buckets[1].from, 1000);
  EXPECT_EQ(buckets[1].reads, 1u);
  EXPECT_EQ(buckets[1].stale, 0u);
  EXPECT_EQ(buckets[16].from, 1'000'000);
  EXPECT_EQ(buckets[16].to, 1'585'000);
  EXPECT_EQ(buckets[16].reads, 1u);
  EXPECT_EQ(buckets[17].reads, 1u);
  EXPECT_EQ(buckets[41].from, 100 * kNanosPerSecond);
  EXPECT_EQ(buckets[41].reads, 1u);
}

TEST(StalenessRecorderTest, AcknowledgementsThatAreReportedLateStillCount) {
  StalenessRecorder recorder(Keys(1));
  Write(&recorder, 1, 0, 10);
  const ReadToken token = recorder.OnReadSent(0, 30, kNoSession);
  recorder.OnWriteAcknowledged(0, Version(2), 2, 15, 20, kNoSession);
  const ReadVerdict verdict = recorder.OnReadAnswered(0, token, Version(1), 1, 40, kNoSession);
  EXPECT_TRUE(verdict.stale);
  EXPECT_EQ(verdict.t, 10);
}

// A history, and what the definitions say of it when each read is compared with every operation.
struct Event {
  enum class Kind { kReadSent, kReadAnswered, kWriteSent, kWriteAcknowledged };
  Kind kind;
  size_t operation;
};

struct Op {
  bool write = false;
  size_t key = 0;
  uint32_t session = 0;
  Nanos sent = 0;
  Nanos ended = 0;
  bool ok = false;  // has ended, and not in failure
  Order order;
};

class History {
 public:
  static constexpr size_t kKeys = 2;
  static constexpr uint32_t kSessions = 5;

  explicit History(uint64_t seed) : random_(seed) {
    std::vector<std::optional<size_t>> running(kSessions);
    Nanos now = 0;
    for (int step = 0; step < 160; ++step) {
      now += static_cast<Nanos>(random_() % 3);  // often the same time again
      const uint32_t session = static_cast<uint32_t>(random_() % kSessions);
      if (running[session].has_value()) {
        End(*running[session], now);
        running[session].reset();
      } else {
        running[session] = Begin(session, now);
      }
    }
  }

  const std::vector<Op>& ops() const { return ops_; }
  const std::vector<Event>& events() const { return events_; }

  // `at`: the index of the read's answer among the events.
  ReadVerdict Expected(size_t at) const {
    const Op& read = ops_[events_[at].operation];
    ReadVerdict verdict;
    Nanos first_sent = std::numeric_limits<Nanos>::max();
    Nanos first_acknowledged = first_sent;
    bool overtaken = false;
    for (const Op& other : ops_) {
      if (!other.ok || other.key != read.key || other.ended >= read.sent) continue;
      if (!(read.order < other.order)) continue;
      overtaken = true;
      if (!other.write) continue;
      ++verdict.k;
      first_sent = std::min(first_sent, other.sent);
      first_acknowledged = std::min(first_acknowledged, other.ended);
    }
    verdict.stale = verdict.k > 0;
    verdict.inversion = overtaken && !verdict.stale;
    if (verdict.stale) {
      verdict.t = read.sent - first_acknowledged;
      verdict.t_upper = read.ended - first_sent;
    }
    JudgeByEvents(at, read, &verdict);
    return verdict;
  }

 private:
  size_t Begin(uint32_t session, Nanos now) {
    Op op;
    op.write = random_() % 2 == 0;
    op.key = random_() % kKeys;
    op.session = session;
    op.sent = now;
    if (op.write) op.order = Order{random_() % 3, ++version_, random_() % 2};
    ops_.push_back(op);
    events_.push_back(
        {op.write ? Event::Kind::kWriteSent : Event::Kind::kReadSent, ops_.size() - 1});
    return ops_.size() - 1;
  }

  void End(size_t index, Nanos now) {
    Op& op = ops_[index];
    if (random_() % 5 == 0) return;  // failed, or nobody knows
    op.ok = true;
    op.ended = now;
    if (!op.write) {
      // Any write of the key that has begun, or none.
      std::vector<Order> choice(1);
      for (const Op& other : ops_) {
        if (other.write && other.key == op.key) choice.push_back(other.order);
      }
      std::sort(choice.begin(), choice.end());
      const size_t back = std::min<size_t>(random_() % 6, choice.size() - 1);
      op.order = choice[choice.size() - 1 - back];
    }
    events_.push_back(
        {op.write ? Event::Kind::kWriteAcknowledged : Event::Kind::kReadAnswered, index});
  }

  // What depends on the order of events, not only on times.
  void JudgeByEvents(size_t at, const Op& read, ReadVerdict* verdict) const {
    for (size_t i = 0; i < at; ++i) {
      const Event& event = events_[i];
      const bool ended =
          event.kind == Event::Kind::kReadAnswered || event.kind == Event::Kind::kWriteAcknowledged;
      const Op& other = ops_[event.operation];
      if (!ended || other.key != read.key || !(read.order < other.order)) continue;
      if (other.write) verdict->loosely_stale = true;
      if (other.session != read.session) continue;
      (other.write ? verdict->breaks_read_your_writes : verdict->breaks_monotonic_reads) = true;
    }
  }

  std::mt19937_64 random_;
  uint64_t version_ = 0;
  std::vector<Op> ops_;
  std::vector<Event> events_;
};

// Plays the history to a recorder, and hands each read's verdicts to `compare`.
template <typename Compare>
StalenessFigures Play(const History& history, StalenessRecorderOptions options, Compare compare) {
  options.keys = History::kKeys;
  StalenessRecorder recorder(options);
  std::vector<ReadToken> tokens(history.ops().size());
  for (size_t i = 0; i < history.events().size(); ++i) {
    const Event& event = history.events()[i];
    const Op& op = history.ops()[event.operation];
    switch (event.kind) {
      case Event::Kind::kWriteSent:
        recorder.OnWriteSent(op.key, op.sent);
        break;
      case Event::Kind::kWriteAcknowledged:
        recorder.OnWriteAcknowledged(op.key, op.order, op.order.minor, op.sent, op.ended,
                                     op.session);
        break;
      case Event::Kind::kReadSent:
        tokens[event.operation] = recorder.OnReadSent(op.key, op.sent, op.session);
        break;
      case Event::Kind::kReadAnswered:
        compare(recorder.OnReadAnswered(op.key, tokens[event.operation], op.order, op.order.minor,
                                        op.ended, op.session),
                history.Expected(i));
        break;
    }
  }
  return recorder.figures();
}

TEST(StalenessRecorderTest, AgreesWithTheDefinitionsOverWholeHistories) {
  uint64_t stale = 0, inversions = 0, loose_only = 0, monotonic = 0, own = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    StalenessFigures sum;
    const StalenessFigures figures =
        Play(History(seed), StalenessRecorderOptions(),
             [&](const ReadVerdict& found, const ReadVerdict& expected) {
               ASSERT_EQ(found.stale, expected.stale) << "seed " << seed;
               ASSERT_EQ(found.k, expected.k) << "seed " << seed;
               ASSERT_EQ(found.t, expected.t) << "seed " << seed;
               ASSERT_EQ(found.t_upper, expected.t_upper) << "seed " << seed;
               ASSERT_FALSE(found.bounds_only);
               ASSERT_EQ(found.loosely_stale, expected.loosely_stale) << "seed " << seed;
               ASSERT_EQ(found.inversion, expected.inversion) << "seed " << seed;
               ASSERT_EQ(found.breaks_monotonic_reads, expected.breaks_monotonic_reads);
               ASSERT_EQ(found.breaks_read_your_writes, expected.breaks_read_your_writes);
               sum.stale += expected.stale;
               sum.inversions += expected.inversion;
               sum.loosely_stale += expected.loosely_stale;
               sum.monotonic_read_violations += expected.breaks_monotonic_reads;
               sum.read_your_writes_violations += expected.breaks_read_your_writes;
               ++sum.reads;
             });
    ASSERT_EQ(figures.reads, sum.reads);
    ASSERT_EQ(figures.stale, sum.stale);
    ASSERT_EQ(figures.loosely_stale, sum.loosely_stale);
    ASSERT_EQ(figures.inversions, sum.inversions);
    ASSERT_EQ(figures.monotonic_read_violations, sum.monotonic_read_violations);
    ASSERT_EQ(figures.read_your_writes_violations, sum.read_your_writes_violations);
    ASSERT_EQ(figures.t.count(), sum.stale);
    stale += sum.stale;
    inversions += sum.inversions;
    loose_only += sum.loosely_stale - sum.stale;
    monotonic += sum.monotonic_read_violations;
    own += sum.read_your_writes_violations;
  }
  // Each definition has been put to use.
  EXPECT_GT(stale, 1000u);
  EXPECT_GT(inversions, 1000u);
  EXPECT_GT(loose_only, 1000u);
  EXPECT_GT(monotonic, 1000u);
  EXPECT_GT(own, 1000u);
}

TEST(StalenessRecorderTest, WithLittleMemoryStaleIsExactAndTheRestIsABound) {
  uint64_t exact = 0, bounds = 0;
  StalenessRecorderOptions options;
  options.writes_remembered_per_key = 4;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Play(History(seed), options, [&](const ReadVerdict& found, const ReadVerdict& expected) {
      ASSERT_EQ(found.stale, expected.stale) << "seed " << seed;
      ASSERT_LE(found.k, expected.k) << "seed " << seed;
      ASSERT_LE(found.t, expected.t) << "seed " << seed;
      if (found.bounds_only) {
        ++bounds;
        return;
      }
      ASSERT_EQ(found.k, expected.k) << "seed " << seed;
      ASSERT_EQ(found.t, expected.t) << "seed " << seed;
      ASSERT_EQ(found.t_upper, expected.t_upper) << "seed " << seed;
      ++exact;
    });
  }
  EXPECT_GT(exact, 1000u);
  EXPECT_GT(bounds, 1000u);
}

}  // namespace
}  // namespace quorate::loadgen
