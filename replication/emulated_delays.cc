#include "replication/emulated_delays.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace quorate {
namespace {

constexpr absl::Duration kLongestDelay = absl::Seconds(10);

// Regions of a public cloud, and the round trips between them in milliseconds, rounded to 5: what
// its customers measure, give or take a tenth, since light takes about two thirds of it.
constexpr const char* kRegions[] = {"Virginia", "Oregon", "Ireland", "Tokyo", "Singapore"};
constexpr int kRegionCount = 5;
constexpr int kRoundTripMs[kRegionCount][kRegionCount] = {{1, 70, 75, 150, 220},
                                                          {70, 1, 130, 95, 165},
                                                          {75, 130, 1, 210, 180},
                                                          {150, 95, 210, 1, 70},
                                                          {220, 165, 180, 70, 1}};

int RegionOf(NodeId node, int regions) { return static_cast<int>((node - 1) % regions); }

absl::Status Wrong(absl::string_view what, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("'", what, "' must be ", expected));
}

absl::StatusOr<absl::Duration> ParseBounded(absl::string_view text) {
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration) || duration < absl::ZeroDuration() ||
      duration > kLongestDelay) {
    return Wrong(text, "a duration from 0 to 10s, such as 20ms");
  }
  return duration;
}

enum class Load { kNeither, kApply, kRead };

Load LoadOf(const std::string& bytes) {
  peer::v1::Message message;
  if (!message.ParseFromString(bytes)) return Load::kNeither;
  if (message.has_read()) return Load::kRead;
  const bool applies = message.has_replicate() ||
                       (message.has_compare_reply() && !message.compare_reply().records().empty());
  return applies ? Load::kApply : Load::kNeither;
}

}  // namespace

absl::StatusOr<Delay> Delay::Parse(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  const bool uniform = parts[0] == "uniform" && parts.size() == 3;
  const bool exponential = parts[0] == "exponential" && parts.size() == 2;
  if (!uniform && !exponential && parts.size() > 1) {
    return Wrong(text, "like 20ms, uniform:10ms:30ms or exponential:20ms");
  }
  const absl::StatusOr<absl::Duration> first = ParseBounded(parts[parts.size() > 1 ? 1 : 0]);
  if (!first.ok()) return first.status();
  if (exponential) return Exponential(*first);
  if (!uniform) return Fixed(*first);
  const absl::StatusOr<absl::Duration> most = ParseBounded(parts[2]);
  if (!most.ok()) return most.status();
  if (*most < *first) return Wrong(text, "in order: the shortest first");
  return Uniform(*first, *most);
}

absl::Duration Delay::Draw(uint64_t random) const {
  // From 0 to just below 1.
  const double part = static_cast<double>(random >> 11) * 0x1p-53;
  if (exponential_) return std::min(first_ * -std::log1p(-part), most_);
  return first_ + (most_ - first_) * part;
}

absl::StatusOr<EmulatedDelays> EmulatedDelays::Parse(absl::string_view spec) {
  EmulatedDelays delays;
  delays.spec_ = std::string(spec);
  if (spec.empty()) return delays;
  bool first = true;
  for (const absl::string_view item : absl::StrSplit(spec, ',')) {
    const bool is_profile = first && !absl::StrContains(item, '=');
    const absl::Status set = is_profile ? delays.SetProfile(item) : delays.SetItem(item);
    if (!set.ok()) return set;
    first = false;
  }
  return delays;
}

absl::Status EmulatedDelays::SetProfile(absl::string_view name) {
  if (name == "classroom") {
    link_ = Delay::Fixed(absl::Milliseconds(200));
    apply_ = Delay::Fixed(absl::Milliseconds(100));
    read_ = Delay::Fixed(absl::Milliseconds(50));
  } else if (name == "lan") {
    link_ = Delay::Uniform(absl::Microseconds(100), absl::Microseconds(300));
  } else if (name == "wan3") {
    regions_ = 3;
  } else if (name == "wan5") {
    regions_ = 5;
  } else {
    return Wrong(name, "classroom, lan, wan3 or wan5, or like link=20ms");
  }
  return absl::OkStatus();
}

absl::Status EmulatedDelays::SetItem(absl::string_view item) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(item, absl::MaxSplits('=', 1));
  const absl::Status unknown =
      Wrong(item, "like link=20ms, link:1/2=20ms, apply=20ms or read=20ms");
  if (!absl::StrContains(item, '=')) return unknown;
  const absl::StatusOr<Delay> delay = Delay::Parse(parts.second);
  if (!delay.ok()) return delay.status();
  absl::string_view what = parts.first;
  if (what == "apply") {
    apply_ = *delay;
  } else if (what == "read") {
    read_ = *delay;
  } else if (what == "link") {
    link_ = *delay;
    regions_ = 0;
    pairs_.clear();
  } else if (absl::ConsumePrefix(&what, "link:")) {
    const std::pair<absl::string_view, absl::string_view> ends =
        absl::StrSplit(what, absl::MaxSplits('/', 1));
    const absl::StatusOr<NodeId> a = ParseNodeName(ends.first);
    const absl::StatusOr<NodeId> b = ParseNodeName(ends.second);
    if (!a.ok() || !b.ok() || *a == *b) return unknown;
    pairs_[std::minmax(*a, *b)] = *delay;
  } else {
    return unknown;
  }
  return absl::OkStatus();
}

Delay EmulatedDelays::Link(NodeId from, NodeId to) const {
  const auto pair = pairs_.find(std::minmax(from, to));
  if (pair != pairs_.end()) return pair->second;
  if (regions_ == 0) return link_;
  const int round_trip = kRoundTripMs[RegionOf(from, regions_)][RegionOf(to, regions_)];
  return Delay::Fixed(absl::Milliseconds(round_trip) / 2);
}

absl::Duration EmulatedDelays::For(NodeId from, NodeId to, const peer::v1::Batch& batch,
                                   const std::function<uint64_t()>& random) const {
  bool applies = false;
  bool reads = false;
  for (const std::string& message : batch.messages()) {
    const Load load = LoadOf(message);
    applies = applies || load == Load::kApply;
    reads = reads || load == Load::kRead;
  }
  absl::Duration delay = Link(from, to).Draw(random());
  if (applies) delay += apply_.Draw(random());
  if (reads) delay += read_.Draw(random());
  return delay;
}

absl::Duration EmulatedDelays::LongestRoundTrip() const {
  absl::Duration link = link_.longest();
  for (const auto& [ends, delay] : pairs_) link = std::max(link, delay.longest());
  for (int a = 0; a < regions_; ++a) {
    for (int b = 0; b < a; ++b) link = std::max(link, absl::Milliseconds(kRoundTripMs[a][b]) / 2);
  }
  return 2 * (link + apply_.longest() + read_.longest());
}

void EmulatedDelays::WidenTimeouts(ClusterConfig* config) const {
  config->peer_timeout += LongestRoundTrip();
  config->resend_interval += LongestRoundTrip();
}

std::string EmulatedDelays::PlaceOf(NodeId node) const {
  return regions_ == 0 ? "" : kRegions[RegionOf(node, regions_)];
}

}  // namespace quorate
