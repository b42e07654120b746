#include "loadgen/run_stats.h"

namespace quorate::loadgen {
namespace {

IntervalSummary::Latency Summary(const LatencyHistogram& histogram) {
  return {histogram.ValueAtQuantile(0.5), histogram.ValueAtQuantile(0.99), histogram.max()};
}

}  // namespace

bool IsMoreThanALittle(Nanos outside, Nanos interval) { return outside > interval / 10; }

IntervalSummary::IntervalSummary(const IntervalStats& interval)
    : phase(interval.phase),
      warm_up(interval.warm_up),
      from(interval.from),
      to(interval.to),
      offered(interval.offered),
      sent(interval.sent),
      ended(interval.ended),
      reads_ok(interval.reads_ok),
      writes_ok(interval.writes_ok),
      failed(interval.failed),
      unknown(interval.unknown),
      timed_out(interval.timed_out),
      waited(interval.waited),
      missed(interval.missed),
      absent(interval.absent),
      wrong(interval.wrong),
      stale(interval.stale),
      in_flight(interval.in_flight),
      waiting(interval.waiting),
      response(Summary(interval.response)),
      service(Summary(interval.service)),
      send_lag(Summary(interval.send_lag)) {}

const char* ToString(Phase phase) {
  switch (phase) {
    case Phase::kLoad:
      return "load";
    case Phase::kRamp:
      return "ramp";
    case Phase::kWarmUp:
      return "warm-up";
    case Phase::kMeasure:
      return "measure";
    case Phase::kDrain:
      return "drain";
    case Phase::kDone:
      return "done";
  }
  return "";
}

}  // namespace quorate::loadgen
