#include "replication/latency_quantile.h"

#include <algorithm>
#include <cmath>

#include "glog/logging.h"

namespace quorate {

LatencyQuantile::LatencyQuantile(double share) : share_(share) {
  CHECK_GT(share, 0);
  CHECK_LT(share, 1);
}

void LatencyQuantile::Add(absl::Duration sample) {
  if (window_.size() < kWindow) {
    window_.push_back(sample);
  } else {
    window_[next_] = sample;
    next_ = (next_ + 1) % kWindow;
  }
  if (++unseen_ < kStride) return;
  unseen_ = 0;
  value_ = Compute();
}

absl::Duration LatencyQuantile::Compute() const {
  std::vector<absl::Duration> samples = window_;
  const double rank = std::ceil(share_ * static_cast<double>(samples.size()));
  const auto nth = samples.begin() + static_cast<std::ptrdiff_t>(rank) - 1;
  std::nth_element(samples.begin(), nth, samples.end());
  return *nth;
}

}  // namespace quorate
