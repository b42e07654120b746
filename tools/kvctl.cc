// kvctl: reads and writes a cluster from the command line.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "glog/logging.h"

#include "client/client.h"
#include "client/grpc_connection.h"
#include "support/command_line.h"
#include "tools/kvctl_command.h"
#include "tools/kvctl_output.h"

DEFINE_string(target, "127.0.0.1:9080",
              "gRPC addresses of some nodes, host:port,...; default: 127.0.0.1:9080");
DEFINE_string(timeout, "2s", "time for the command, retries included; default: 2s");
DEFINE_bool(json, false, "prints one JSON object");
DEFINE_string(w, "", "acknowledgements to wait for; default: the cluster's W");
DEFINE_string(r, "", "answers to wait for; default: the cluster's R");
DEFINE_string(context, "", "what the writer has seen: the context of an earlier answer");
DEFINE_string(file, "", "reads the value from a file; -: from standard input");
DEFINE_bool(raw, false, "prints the value alone, without a line end");
DEFINE_bool(linearizable, false,
            "the read must not go back behind any other one; refused where the cluster cannot "
            "promise it");
DEFINE_bool(siblings, false, "prints all concurrent values (leaderless)");
DEFINE_bool(watch, false, "shows the status again and again, until Ctrl-C");
DEFINE_string(interval, "1s", "time between two looks of --watch; default: 1s");

namespace quorate::kvctl {
namespace {

constexpr char kVersion[] = "0.1.0";

// No node takes a request above this.
constexpr size_t kMaxValueBytes = size_t{8} << 20;

// What the flags say, checked.
struct Settings {
  ReadOptions read;
  WriteOptions write;
  absl::Duration timeout;
  absl::Duration interval;
};

absl::StatusOr<absl::Duration> ParseTime(const char* flag, const std::string& text) {
  absl::Duration time;
  if (absl::ParseDuration(text, &time) && time > absl::ZeroDuration() && time <= absl::Hours(24)) {
    return time;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--", flag, "=", text, " is no time above 0 and up to 24h; write 500ms, 2s, 1m"));
}

absl::StatusOr<std::optional<int>> ParseQuorum(const char* flag, const std::string& text) {
  int quorum = 0;
  if (text.empty()) return std::optional<int>();
  if (absl::SimpleAtoi(text, &quorum) && quorum >= 1) return std::optional<int>(quorum);
  return absl::InvalidArgumentError(absl::StrCat("--", flag, "=", text, " is no number from 1"));
}

absl::StatusOr<Settings> ReadSettings() {
  Settings settings;
  const auto timeout = ParseTime("timeout", FLAGS_timeout);
  if (!timeout.ok()) return timeout.status();
  const auto interval = ParseTime("interval", FLAGS_interval);
  if (!interval.ok()) return interval.status();
  const auto w = ParseQuorum("w", FLAGS_w);
  if (!w.ok()) return w.status();
  const auto r = ParseQuorum("r", FLAGS_r);
  if (!r.ok()) return r.status();
  const std::optional<std::string> context = ParseContext(FLAGS_context);
  if (!context.has_value()) {
    return absl::InvalidArgumentError("--context is no base64, as an earlier answer gave it");
  }
  settings.timeout = settings.read.timeout = settings.write.timeout = *timeout;
  settings.interval = *interval;
  settings.read.r = *r;
  settings.read.siblings = FLAGS_siblings;
  settings.read.linearizable = FLAGS_linearizable;
  settings.write.w = *w;
  settings.write.context = *context;
  return settings;
}

absl::StatusOr<std::string> ReadFile(std::FILE* file, const std::string& name) {
  std::string content;
  std::vector<char> piece(64 << 10);
  size_t count = piece.size();
  while (count == piece.size() && content.size() <= kMaxValueBytes) {
    count = std::fread(piece.data(), 1, piece.size(), file);
    content.append(piece.data(), count);
  }
  if (std::ferror(file) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read ", name, ": ", std::strerror(errno)));
  }
  if (content.size() > kMaxValueBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " has more than ", kMaxValueBytes, " bytes, which no node takes"));
  }
  return content;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  if (path == "-") return ReadFile(stdin, "standard input");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (file != nullptr) return ReadFile(file.get(), path);
  return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
}

// The value that `set` writes.
absl::StatusOr<std::string> ValueOf(const std::vector<std::string>& words) {
  const bool from_file = !FLAGS_file.empty();
  if (from_file == (words.size() == 2)) {
    return absl::InvalidArgumentError("give a value, or --file, and not both");
  }
  if (from_file) return ReadFile(FLAGS_file);
  return words[1];
}

int WrongUsage(const absl::Status& why) {
  std::fprintf(stderr, "kvctl: %s\n", std::string(why.message()).c_str());
  return kWrongUsage;
}

// In a JSON answer the error is the answer.
int Report(const Error& error, bool write) {
  if (FLAGS_json) {
    std::puts(ErrorJson(error).c_str());
  } else {
    std::fprintf(stderr, "kvctl: %s\n", ErrorText(error, write).c_str());
  }
  return ExitCodeOf(error, write);
}

int Show(const std::string& key, const Outcome<WriteReply>& outcome) {
  if (!outcome.ok()) return Report(outcome.error(), /*write=*/true);
  std::puts(FLAGS_json ? WriteJson(key, *outcome).c_str() : WriteText(*outcome).c_str());
  return kOk;
}

int Show(const std::string& key, const Outcome<ReadReply>& outcome) {
  if (!outcome.ok()) return Report(outcome.error(), /*write=*/false);
  const ReadReply& reply = *outcome;
  const bool siblings = !reply.siblings.empty();
  const ExitCode exit_code = reply.value.has_value() || siblings ? kOk : kNotFound;
  if (FLAGS_json) {
    std::puts(ReadJson(key, reply).c_str());
    return exit_code;
  }
  std::string value;
  if (siblings) {
    value = SiblingsText(reply);
  } else if (reply.value.has_value()) {
    value = FLAGS_raw ? *reply.value : absl::StrCat(*reply.value, "\n");
  } else {
    std::fprintf(stderr, "kvctl: %s\n",
                 reply.version == 0 ? "the key was never written" : "the key was deleted");
  }
  std::fwrite(value.data(), 1, value.size(), stdout);
  const std::string note = ReadNote(reply);
  if (!note.empty() && !FLAGS_raw && !siblings) {
    std::fprintf(stderr, "kvctl: %s\n", note.c_str());
  }
  return exit_code;
}

// Asks one node who is there, and then all at once.
Outcome<std::vector<NodeView>> LookAt(Client client, absl::Duration timeout) {
  const Outcome<NodeStatus> any = client.Status("", timeout).Get();
  if (!any.ok()) return any.error();
  std::vector<NodeView> nodes(1);
  nodes[0].node = any->node;
  nodes[0].grpc_address = any->grpc_address;
  nodes[0].status = *any;
  std::vector<Future<NodeStatus>> asked;
  for (const PeerInfo& peer : any->peers) {
    nodes.emplace_back();
    nodes.back().node = peer.node;
    nodes.back().grpc_address = peer.grpc_address;
    asked.push_back(client.Status(peer.grpc_address, timeout));
  }
  for (size_t i = 0; i < asked.size(); ++i) {
    const Outcome<NodeStatus> status = asked[i].Get();
    if (status.ok()) {
      nodes[i + 1].status = *status;
    } else {
      nodes[i + 1].error = std::string(status.status().message());
    }
  }
  std::sort(nodes.begin(), nodes.end(), [](const NodeView& a, const NodeView& b) {
    return std::pair(a.node.size(), a.node) < std::pair(b.node.size(), b.node);
  });
  return nodes;
}

int Show(const Outcome<std::vector<NodeView>>& nodes) {
  if (!nodes.ok()) return Report(nodes.error(), /*write=*/false);
  std::fputs(
      FLAGS_json ? absl::StrCat(StatusJson(*nodes), "\n").c_str() : StatusText(*nodes).c_str(),
      stdout);
  return kOk;
}

void EndWatch(int) { _exit(kOk); }

// Until SIGINT or SIGTERM, which end a look at nodes that do not answer too.
int WatchStatus(const Client& client, const Settings& settings) {
  const bool redraws = !FLAGS_json && isatty(STDOUT_FILENO) == 1;
  while (true) {
    const Outcome<std::vector<NodeView>> nodes = LookAt(client, settings.timeout);
    if (redraws) std::fputs("\x1b[H\x1b[2J", stdout);
    Show(nodes);
    if (!redraws && !FLAGS_json) std::puts("");
    if (std::fflush(stdout) != 0) return kOk;  // nobody reads any more
    absl::SleepFor(settings.interval);
  }
}

int Run(const Command& command, const std::vector<std::string>& words, const Settings& settings) {
  const std::string name = command.name;
  // Before the connection opens files of its own: a standard input that is closed leaves its number
  // to the next one.
  absl::StatusOr<std::string> value;
  if (name == "set") {
    value = ValueOf(words);
    if (!value.ok()) return WrongUsage(value.status());
  }
  ConnectionOptions options;
  options.targets = absl::StrSplit(FLAGS_target, ',');
  if (FLAGS_watch) {
    for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, &EndWatch);
  }
  const absl::StatusOr<std::shared_ptr<Connection>> connection = Connect(options);
  if (!connection.ok()) {
    return WrongUsage(
        absl::InvalidArgumentError(absl::StrCat("--target: ", connection.status().message())));
  }
  Client client(*connection);
  if (name == "get") return Show(words[0], client.Get(words[0], settings.read).Get());
  if (name == "local-read") return Show(words[0], client.LocalRead(words[0], settings.read).Get());
  if (name == "set") {
    return Show(words[0], client.Set(words[0], *std::move(value), settings.write).Get());
  }
  if (name == "delete") return Show(words[0], client.Delete(words[0], settings.write).Get());
  if (FLAGS_watch) return WatchStatus(client, settings);
  return Show(LookAt(client, settings.timeout));
}

int Main(int argc, char** argv) {
  ParsedCommandLine parsed = ParseFlags(argc, argv, kVersion);
  std::vector<std::string> words = std::move(parsed.words);
  if (parsed.asked == CommandLine::kVersion) {
    std::printf("quorate kvctl %s\n", kVersion);
    return kOk;
  }
  if (!words.empty() && words[0] == "help") {
    parsed.asked = CommandLine::kHelp;
    words.erase(words.begin());
  }
  if (words.empty()) {
    const bool asked = parsed.asked == CommandLine::kHelp;
    std::fputs(HelpText().c_str(), asked ? stdout : stderr);
    return asked ? kOk : kWrongUsage;
  }
  const Command* const command = FindCommand(words[0]);
  if (command == nullptr) {
    return WrongUsage(absl::InvalidArgumentError(
        absl::StrCat("there is no command '", words[0], "'; kvctl --help lists them")));
  }
  words.erase(words.begin());
  if (parsed.asked == CommandLine::kHelp) {
    std::fputs(HelpText(*command).c_str(), stdout);
    return kOk;
  }
  const absl::Status fits = CheckCommandLine(*command, words);
  if (!fits.ok()) return WrongUsage(fits);
  const absl::StatusOr<Settings> settings = ReadSettings();
  if (!settings.ok()) return WrongUsage(settings.status());
  return Run(*command, words, *settings);
}

}  // namespace
}  // namespace quorate::kvctl

int main(int argc, char** argv) {
  FLAGS_logtostderr = true;
  google::InitGoogleLogging(argv[0]);
  const int exit_code = quorate::kvctl::Main(argc, argv);
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
  std::fputs("kvctl: the answer cannot be printed\n", stderr);
  return exit_code == quorate::kvctl::kOk ? quorate::kvctl::kUnavailable : exit_code;
}
