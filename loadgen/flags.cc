#include "loadgen/flags.h"

#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gflags/gflags.h"

DEFINE_string(mode, "leader", "leader: writes go to the first target; leaderless: to any");
DEFINE_string(targets, "",
              "the nodes' addresses, HOST:PORT,...; default: HTTP ports 8080 to 8084 of 127.0.0.1, "
              "or gRPC ports 9080 to 9084");
DEFINE_string(transport, "rest",
              "rest: HTTP/JSON; unary: gRPC, a call an operation; stream: gRPC, many operations in "
              "a message");
DEFINE_string(read_target, "coordinator",
              "where reads go; coordinator: where writes go; any: to any node, through its quorum; "
              "local: to any node, which answers from its own store alone");
DEFINE_double(write_ratio, 0.5, "share of writes, 0.0 to 1.0; default: 0.5");
DEFINE_string(
    mix, "",
    "a mix of YCSB instead of --write_ratio: a, b, c, d (inserts) or f (reads that a write "
    "of the same key follows); its keys are written first unless --noload; default: none");
DEFINE_int32(duration, 60, "seconds to measure");
DEFINE_int32(warmup, 1, "seconds of load before, not measured");
DEFINE_int32(ramp, 0, "seconds before that in which the rate grows");
DEFINE_bool(load, false, "write every key once before all else");
DEFINE_int32(qps, 10,
             "operations a second, of the whole run; a read that a write follows (--mix f) is one");
DEFINE_string(spacing, "even", "even, or poisson: as from many independent users");
DEFINE_int32(closed_loop, 0,
             "above 0: so many operations in flight, each followed by the next as soon as it has "
             "ended, instead of --qps; for peak throughput, since it sees too few slow operations");
DEFINE_int32(num_keys, 50, "keys; fewer of them collide more");
DEFINE_string(distribution, "uniform",
              "of keys: uniform, zipf:EXPONENT, latest:EXPONENT, hotspot:OPERATIONS:KEYS or "
              "moving:OPERATIONS:KEYS:SECONDS");
DEFINE_int32(value_size, 100, "bytes of a value, at least");
DEFINE_int32(w, 0, "acknowledgements a write waits for; default: the cluster's W");
DEFINE_int32(r, 0, "answers a read waits for; default: the cluster's R");
DEFINE_uint64(seed, 0, "fixes keys, targets and order; default: random");
DEFINE_int32(
    followed_writes, 0,
    "writes a second, of other keys, that are followed to every replica beside the load, to "
    "predict how stale reads are; needs all replicas among the targets; 0: none; default: "
    "a hundredth of --qps, from 1 to 20");
DEFINE_string(output, "results.json", "the result file; empty: none");
DEFINE_int32(raw_samples, 100000, "raw latencies of each kind in the result file, at most");
DEFINE_string(history, "", "a file for every operation, for `loadgen check`; default: none");
DEFINE_int32(history_operations, 4000000, "operations in that file, at most");
DEFINE_bool(quiet, false, "no line each second");
DEFINE_bool(json_lines, false,
            "a line of JSON each second on the standard output, and nothing else there: the report "
            "goes to the standard error");
DEFINE_int32(connections, 32, "operations in flight to each target, at most");
DEFINE_int32(max_waiting, 10000, "operations that may wait for a place in flight; more are missed");
DEFINE_int32(timeout_ms, 3000, "milliseconds after which an operation has failed");

namespace quorate::loadgen {
namespace {

constexpr const char* kFlags[] = {
    "mode",        "targets",     "transport",    "read_target",
    "write_ratio", "mix",         "duration",     "warmup",
    "ramp",        "load",        "qps",          "spacing",
    "closed_loop", "num_keys",    "distribution", "value_size",
    "w",           "r",           "seed",         "followed_writes",
    "output",      "raw_samples", "history",      "history_operations",
    "quiet",       "json_lines",  "connections",  "max_waiting",
    "timeout_ms"};

// What a single run leaves behind or looks like, and what would take the rate out of its hands.
constexpr const char* kNotForFindMax[] = {
    "closed_loop",        "output",     "raw_samples",    "history",
    "history_operations", "json_lines", "followed_writes"};

constexpr char kHttpTargets[] =
    "127.0.0.1:8080,127.0.0.1:8081,127.0.0.1:8082,127.0.0.1:8083,127.0.0.1:8084";
constexpr char kGrpcTargets[] =
    "127.0.0.1:9080,127.0.0.1:9081,127.0.0.1:9082,127.0.0.1:9083,127.0.0.1:9084";

google::CommandLineFlagInfo FlagInfo(const char* flag) {
  return google::GetCommandLineFlagInfoOrDie(flag);
}

uint64_t RandomSeed() { return std::random_device()(); }

// Sets `*value` where the text could be read.
template <typename T>
absl::Status Take(absl::StatusOr<T> parsed, T* value) {
  if (parsed.ok()) *value = *std::move(parsed);
  return parsed.status();
}

// After the distribution, which a mix has an own default for.
absl::Status ReadMix(Options* options) {
  options->load_keys = FLAGS_load;
  options->write_ratio = FLAGS_write_ratio;
  if (FLAGS_mix.empty()) return absl::OkStatus();
  if (!FlagInfo("write_ratio").is_default) {
    return absl::InvalidArgumentError("--write_ratio means nothing with --mix");
  }
  const absl::StatusOr<OperationMix> mix = FindMix(FLAGS_mix);
  if (!mix.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--mix: ", mix.status().message()));
  }
  options->mix = *mix;
  options->write_ratio = WriteShare(*mix);
  if (FlagInfo("load").is_default) options->load_keys = true;
  if (!FlagInfo("distribution").is_default) return absl::OkStatus();
  return Take(ParseKeyDistribution(mix->distribution), &options->distribution);
}

absl::Status ReadTexts(Options* options) {
  absl::Status status = Take(ParseMode(FLAGS_mode), &options->mode);
  status.Update(Take(ParseTransport(FLAGS_transport), &options->transport));
  status.Update(Take(ParseReadTarget(FLAGS_read_target), &options->read_target));
  status.Update(Take(ParseSpacing(FLAGS_spacing), &options->spacing));
  const absl::StatusOr<KeyDistribution> distribution = ParseKeyDistribution(FLAGS_distribution);
  if (!distribution.ok()) {
    status.Update(absl::InvalidArgumentError(
        absl::StrCat("--distribution: ", distribution.status().message())));
  } else {
    options->distribution = *distribution;
  }
  status.Update(ReadMix(options));
  std::string targets = FLAGS_targets;
  if (FlagInfo("targets").is_default) {
    targets = options->transport == TransportKind::kRest ? kHttpTargets : kGrpcTargets;
  }
  status.Update(Take(ParseTargets(targets), &options->targets));
  return status;
}

}  // namespace

std::string DescribeFlags() {
  std::string text;
  for (const char* flag : kFlags) {
    const google::CommandLineFlagInfo info = FlagInfo(flag);
    const bool said = absl::StrContains(info.description, "default:") || info.default_value.empty();
    absl::StrAppendFormat(&text, "  --%-18s %s%s\n", flag, info.description,
                          said ? "" : absl::StrCat(" (", info.default_value, ")"));
  }
  return text;
}

absl::StatusOr<Options> OptionsFromFlags() {
  Options options;
  const absl::Status read = ReadTexts(&options);
  if (!read.ok()) return read;
  options.duration_seconds = FLAGS_duration;
  options.warmup_seconds = FLAGS_warmup;
  options.ramp_seconds = FLAGS_ramp;
  options.qps = FLAGS_qps;
  options.closed_loop = FLAGS_closed_loop;
  options.num_keys = FLAGS_num_keys;
  options.value_bytes = FLAGS_value_size;
  if (!FlagInfo("w").is_default) options.w = FLAGS_w;
  if (!FlagInfo("r").is_default) options.r = FLAGS_r;
  options.seed = FlagInfo("seed").is_default ? RandomSeed() : FLAGS_seed;
  if (!FlagInfo("followed_writes").is_default) options.followed_writes = FLAGS_followed_writes;
  options.output = FLAGS_output;
  options.raw_samples = FLAGS_raw_samples;
  options.history = FLAGS_history;
  options.history_operations = FLAGS_history_operations;
  options.quiet = FLAGS_quiet;
  options.json_lines = FLAGS_json_lines;
  options.connections = FLAGS_connections;
  options.max_waiting = FLAGS_max_waiting;
  options.timeout_ms = FLAGS_timeout_ms;
  const absl::Status valid = Validate(options);
  if (!valid.ok()) return valid;
  return options;
}

absl::Status CheckFlagsOfFindMax() {
  for (const char* flag : kNotForFindMax) {
    if (FlagInfo(flag).is_default) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("--", flag, " means nothing to find-max; leave it out"));
  }
  return absl::OkStatus();
}

}  // namespace quorate::loadgen
