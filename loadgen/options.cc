#include "loadgen/options.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace quorate::loadgen {
namespace {

absl::Status CheckRange(absl::string_view flag, int value, int low, int high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, " must be from ", low, " to ", high, ", not ", value));
}

// What a flag may say, and what it means.
template <typename T>
struct Choice {
  const char* name;
  T value;
};

constexpr Choice<Mode> kModes[] = {{"leader", Mode::kLeader}, {"leaderless", Mode::kLeaderless}};
constexpr Choice<ReadTarget> kReadTargets[] = {{"coordinator", ReadTarget::kCoordinator},
                                               {"any", ReadTarget::kAny},
                                               {"local", ReadTarget::kLocal}};
constexpr Choice<TransportKind> kTransports[] = {{"rest", TransportKind::kRest},
                                                 {"unary", TransportKind::kUnary},
                                                 {"stream", TransportKind::kStream}};
constexpr Choice<Spacing> kSpacings[] = {{"even", Spacing::kEven}, {"poisson", Spacing::kPoisson}};

template <typename T, size_t kCount>
absl::StatusOr<T> ParseChoice(absl::string_view flag, const Choice<T> (&choices)[kCount],
                              absl::string_view text) {
  std::string names;
  for (const Choice<T>& choice : choices) {
    if (text == choice.name) return choice.value;
    absl::StrAppend(&names, names.empty() ? "" : ", ", choice.name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, " must be one of ", names, ", not \"", text, "\""));
}

template <typename T, size_t kCount>
std::string NameOf(const Choice<T> (&choices)[kCount], T value) {
  for (const Choice<T>& choice : choices) {
    if (choice.value == value) return choice.name;
  }
  return "";
}

absl::StatusOr<HostAndPort> ParseTarget(absl::string_view text) {
  const absl::Status wrong =
      absl::InvalidArgumentError(absl::StrCat("--targets: \"", text, "\" is not HOST:PORT"));
  absl::string_view rest = text;
  absl::ConsumePrefix(&rest, "http://");
  absl::ConsumeSuffix(&rest, "/");
  const size_t colon = rest.rfind(':');
  if (colon == absl::string_view::npos) return wrong;
  HostAndPort target;
  absl::string_view host = rest.substr(0, colon);
  const bool bracketed = absl::ConsumePrefix(&host, "[") && absl::ConsumeSuffix(&host, "]");
  const bool plain = host.find_first_of("[]/") == absl::string_view::npos;
  if (host.empty() || !plain || (!bracketed && absl::StrContains(host, ':'))) return wrong;
  target.host = std::string(host);
  if (!absl::SimpleAtoi(rest.substr(colon + 1), &target.port)) return wrong;
  if (target.port < 1 || target.port > 65535) return wrong;
  return target;
}

}  // namespace

std::string HostAndPort::ToString() const {
  if (absl::StrContains(host, ':')) return absl::StrCat("[", host, "]:", port);
  return absl::StrCat(host, ":", port);
}

int FollowedWrites(const Options& options) {
  constexpr int kOneIn = 100;
  constexpr int kMost = 20;
  const int few = options.closed_loop > 0 ? 1 : options.qps / kOneIn;
  return options.followed_writes.value_or(std::min(std::max(few, 1), kMost));
}

bool GoThroughOwnQuorums(const Options& options) {
  return !options.w.has_value() && !options.r.has_value() &&
         options.read_target != ReadTarget::kLocal;
}

absl::Status Validate(const Options& options) {
  if (options.targets.empty()) return absl::InvalidArgumentError("--targets must name a server");
  // Written so that nan does not pass.
  if (!(options.write_ratio >= 0 && options.write_ratio <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--write_ratio must be from 0 to 1, not ", options.write_ratio));
  }
  absl::Status status;
  status.Update(CheckRange("duration", options.duration_seconds, 1, 86400));
  status.Update(CheckRange("warmup", options.warmup_seconds, 0, 3600));
  status.Update(CheckRange("ramp", options.ramp_seconds, 0, 3600));
  status.Update(CheckRange("qps", options.qps, 1, 1000000));
  status.Update(CheckRange("closed_loop", options.closed_loop, 0, 100000));
  status.Update(CheckRange("num_keys", options.num_keys, 1, 10000000));
  status.Update(CheckRange("value_size", options.value_bytes, 1, 1 << 20));
  if (options.w.has_value()) status.Update(CheckRange("w", *options.w, 1, 1000));
  if (options.r.has_value()) status.Update(CheckRange("r", *options.r, 1, 1000));
  if (options.r.has_value() && options.read_target == ReadTarget::kLocal) {
    status.Update(absl::InvalidArgumentError("--r means nothing with --read_target=local"));
  }
  if (options.ramp_seconds > 0 && options.closed_loop > 0) {
    status.Update(absl::InvalidArgumentError("--ramp means nothing with --closed_loop"));
  }
  if (options.followed_writes.has_value()) {
    status.Update(CheckRange("followed_writes", *options.followed_writes, 0, 100));
  }
  status.Update(CheckRange("raw_samples", options.raw_samples, 0, 10000000));
  status.Update(CheckRange("history_operations", options.history_operations, 1, 100000000));
  status.Update(CheckRange("connections", options.connections, 1, 1000));
  status.Update(CheckRange("max_waiting", options.max_waiting, 0, 1000000));
  status.Update(CheckRange("timeout_ms", options.timeout_ms, 1, 60000));
  return status;
}

absl::StatusOr<Mode> ParseMode(absl::string_view text) { return ParseChoice("mode", kModes, text); }

absl::StatusOr<ReadTarget> ParseReadTarget(absl::string_view text) {
  return ParseChoice("read_target", kReadTargets, text);
}

absl::StatusOr<TransportKind> ParseTransport(absl::string_view text) {
  return ParseChoice("transport", kTransports, text);
}

absl::StatusOr<Spacing> ParseSpacing(absl::string_view text) {
  return ParseChoice("spacing", kSpacings, text);
}

std::string ToString(Mode mode) { return NameOf(kModes, mode); }
std::string ToString(ReadTarget target) { return NameOf(kReadTargets, target); }
std::string ToString(TransportKind transport) { return NameOf(kTransports, transport); }
std::string ToString(Spacing spacing) { return NameOf(kSpacings, spacing); }

absl::StatusOr<std::vector<HostAndPort>> ParseTargets(absl::string_view text) {
  std::vector<HostAndPort> targets;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const absl::StatusOr<HostAndPort> target = ParseTarget(absl::StripAsciiWhitespace(part));
    if (!target.ok()) return target.status();
    const auto same = [&target](const HostAndPort& other) {
      return other.host == target->host && other.port == target->port;
    };
    if (std::any_of(targets.begin(), targets.end(), same)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--targets names ", target->ToString(), " twice"));
    }
    targets.push_back(*target);
  }
  return targets;
}

}  // namespace quorate::loadgen
