#include "loadgen/staleness_recorder.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_format.h"

namespace quorate::loadgen {
namespace {

// All keys together remember at most about so many writes, of 56 bytes each.
constexpr size_t kWritesRemembered = size_t{1} << 21;
constexpr size_t kLeastPerKey = 4;

size_t WritesPerKey(const StalenessRecorderOptions& options) {
  const size_t fair = kWritesRemembered / std::max<size_t>(options.keys, 1);
  return std::min(options.writes_remembered_per_key, std::max(fair, kLeastPerKey));
}

std::vector<DeltaBucket> MakeBuckets() {
  // 10^(0/5) .. 10^(4/5), to the nanosecond above 1 us.
  constexpr Nanos kSteps[] = {1000, 1585, 2512, 3981, 6310};
  std::vector<DeltaBucket> buckets(DeltaBucket::kCount);
  Nanos decade = 1;
  for (int i = 0; i + 1 < DeltaBucket::kCount; ++i) {
    if (i > 0 && i % 5 == 0) decade *= 10;
    buckets[i].to = kSteps[i % 5] * decade;
    buckets[i + 1].from = buckets[i].to;
  }
  buckets.back().to = std::numeric_limits<Nanos>::max();
  return buckets;
}

DeltaBucket* BucketOf(std::vector<DeltaBucket>* buckets, Nanos delta) {
  const auto beyond =
      std::upper_bound(buckets->begin(), buckets->end(), delta,
                       [](Nanos value, const DeltaBucket& bucket) { return value < bucket.from; });
  return &*std::prev(beyond);
}

}  // namespace

StalenessRecorder::StalenessRecorder(StalenessRecorderOptions options)
    : options_(std::move(options)),
      writes_limit_(WritesPerKey(options_)),
      keys_(options_.keys),
      sessions_(options_.session_pairs) {
  figures_.k.resize(writes_limit_ + 1);
  figures_.by_delta = MakeBuckets();
}

StalenessRecorder::KeyState& StalenessRecorder::StateOf(size_t key) {
  std::unique_ptr<KeyState>& state = keys_[key];
  if (state == nullptr) state = absl::make_unique<KeyState>();
  return *state;
}

void StalenessRecorder::CountGap(KeyState* state, bool write, Nanos now, bool measured) {
  if (state->any_sent && measured) {
    const Nanos gap = std::max<Nanos>(now - state->last_sent, 0);
    if (state->last_was_write) {
      (write ? figures_.write_write : figures_.write_read).Record(gap);
    } else {
      (write ? figures_.read_write : figures_.read_read).Record(gap);
    }
    if (write != state->last_was_write && options_.on_read_write_interval) {
      options_.on_read_write_interval(gap);
    }
  }
  state->any_sent = true;
  state->last_was_write = write;
  state->last_sent = now;
}

void StalenessRecorder::OnWriteSent(size_t key, Nanos now, bool measured) {
  CountGap(&StateOf(key), /*write=*/true, now, measured);
}

void StalenessRecorder::OnWriteAcknowledged(size_t key, const Order& order, uint64_t version,
                                            Nanos sent, Nanos now, uint32_t session) {
  StateOf(key).writes.Add(AcknowledgedWrite{order, version, sent, now}, writes_limit_);
  if (session != kNoSession) sessions_.OnWritten(session, key, order);
}

ReadToken StalenessRecorder::OnReadSent(size_t key, Nanos now, uint32_t session, bool measured) {
  KeyState& state = StateOf(key);
  CountGap(&state, /*write=*/false, now, measured);
  ReadToken token;
  token.measured = measured;
  token.sent = now;
  if (const AcknowledgedWrite* floor = state.writes.GreatestBefore(now); floor != nullptr) {
    token.obliged = true;
    token.floor = *floor;
  }
  token.returned_before = state.returned.GreatestBefore(now);
  if (session != kNoSession) token.session = sessions_.Find(session, key);
  return token;
}

ReadVerdict StalenessRecorder::Judge(const KeyState& state, const ReadToken& token,
                                     const Order& order, Nanos now, uint32_t session) const {
  ReadVerdict verdict;
  const AcknowledgedWrite* greatest = state.writes.Greatest();
  verdict.loosely_stale = greatest != nullptr && order < greatest->order;
  // What is not even loosely stale is not stale either.
  if (verdict.loosely_stale) {
    const AcknowledgedWrites::Newer newer = state.writes.NewerThan(order, token.sent);
    const bool below_floor = token.obliged && order < token.floor.order;
    verdict.stale = below_floor || newer.count > 0;
    if (verdict.stale) {
      verdict.k = std::max<uint64_t>(newer.count, 1);
      verdict.bounds_only = newer.some_forgotten;
      Nanos since = newer.count > 0 ? newer.first_acknowledged : token.floor.acknowledged;
      if (below_floor) since = std::min(since, token.floor.acknowledged);
      verdict.t = token.sent - since;
      verdict.t_upper = now - (newer.count > 0 ? newer.first_sent : token.floor.sent);
    }
  }
  verdict.inversion = !verdict.stale && order < token.returned_before;
  if (session != kNoSession) {
    verdict.breaks_monotonic_reads = order < token.session.read;
    verdict.breaks_read_your_writes = order < token.session.written;
  }
  return verdict;
}

void StalenessRecorder::Count(size_t key, const AcknowledgedWrite* expected, const ReadToken& token,
                              const ReadVerdict& verdict, uint64_t version) {
  ++figures_.reads;
  figures_.loosely_stale += verdict.loosely_stale;
  figures_.inversions += verdict.inversion;
  figures_.monotonic_read_violations += verdict.breaks_monotonic_reads;
  figures_.read_your_writes_violations += verdict.breaks_read_your_writes;
  ++figures_.k[std::min<size_t>(verdict.k, figures_.k.size() - 1)];
  if (expected == nullptr) return;
  const Nanos delta = token.sent - expected->acknowledged;
  DeltaBucket* bucket = BucketOf(&figures_.by_delta, delta);
  ++bucket->reads;
  if (!verdict.stale) return;
  ++bucket->stale;
  ++figures_.stale;
  figures_.t.Record(verdict.t);
  figures_.bounds_only += verdict.bounds_only;
  if (!verdict.bounds_only) figures_.t_upper.Record(verdict.t_upper);
  const StaleReadExample example{key, expected->version, version, delta};
  if (figures_.examples.size() < options_.examples) figures_.examples.push_back(example);
  if (options_.on_stale_read) options_.on_stale_read(example);
}

ReadVerdict StalenessRecorder::OnReadAnswered(size_t key, const ReadToken& token,
                                              const std::optional<Order>& order, uint64_t version,
                                              Nanos now, uint32_t session) {
  KeyState& state = StateOf(key);
  const Order returned = order.value_or(Order{});
  const ReadVerdict verdict = Judge(state, token, returned, now, session);
  if (token.measured) {
    if (!order.has_value()) ++figures_.absent;
    // An acknowledgement that was reported late is known by now; one that has been forgotten since
    // is in the token.
    const AcknowledgedWrite* expected = state.writes.GreatestBefore(token.sent);
    if (token.obliged && (expected == nullptr || expected->order < token.floor.order)) {
      expected = &token.floor;
    }
    Count(key, expected, token, verdict, version);
  }
  state.returned.Add(returned, now);
  if (session != kNoSession) sessions_.OnRead(session, key, returned);
  return verdict;
}

std::string DescribeDifference(const StalenessFigures& figures) {
  const auto percent = [&figures](uint64_t stale) {
    return figures.reads == 0
               ? 0.0
               : 100.0 * static_cast<double>(stale) / static_cast<double>(figures.reads);
  };
  return absl::StrFormat(
      "Strictly stale are %d of %d reads (%.3g %%): they returned less than what had been "
      "acknowledged before they were sent. Loosely stale are %d (%.3g %%): the expected version is "
      "looked up when the answer is there, so %d of these only ran beside a write.",
      figures.stale, figures.reads, percent(figures.stale), figures.loosely_stale,
      percent(figures.loosely_stale), figures.loosely_stale - figures.stale);
}

}  // namespace quorate::loadgen
