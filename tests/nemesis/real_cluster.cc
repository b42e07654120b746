#include "tests/nemesis/real_cluster.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

#include "node/loopback.h"

namespace quorate::nemesis {
namespace {

namespace fs = std::filesystem;

constexpr int kHttpPort = 8080;
constexpr int kGrpcPort = 9080;

constexpr absl::Duration kReadPatience = absl::Seconds(5);
constexpr std::streamoff kLogTailBytes = 3000;

// RocksDB's own files take some megabytes.
constexpr char kSmallDisk[] = "size=64m";
constexpr char kBallast[] = "ballast";

std::shared_ptr<grpc::Channel> Dial(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

absl::Status Refused(const std::string& what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(errno)));
}

}  // namespace

RealCluster::RealCluster(const RealClusterOptions& options) : options_(options) {
  nodes_.resize(size());
  for (NodeId id = 1; id <= size(); ++id) {
    Node& node = at(id);
    node.id = id;
    node.address = OwnLoopbackAddress();
    node.log = absl::StrCat(options_.folder, "/node-", id, ".log");
    if (options_.durability != Durability::kMemory) {
      node.data = absl::StrCat(options_.folder, "/disk-", id, "/data");
    }
    node.stub = v1::KeyValue::NewStub(Dial(GrpcAddress(id)));
  }
}

RealCluster::~RealCluster() {
  for (Node& node : nodes_) {
    if (node.process == nullptr) continue;
    node.process->Kill();
    if (!options_.full_disks || node.data.empty()) continue;
    umount2(fs::path(node.data).parent_path().c_str(), MNT_DETACH);
  }
}

std::string RealCluster::GrpcAddress(NodeId node) const {
  return absl::StrCat(at(node).address, ":", kGrpcPort);
}

std::vector<std::string> RealCluster::ArgumentsOf(const Node& node) const {
  const sim::ScheduleSetting& setting = options_.setting;
  std::vector<std::string> peers;
  for (const Node& other : nodes_) {
    if (other.id == node.id) continue;
    peers.push_back(absl::StrCat(other.id, "=", other.address, ":", kHttpPort, ":", kGrpcPort));
  }
  std::vector<std::string> arguments = {options_.node_program,
                                        absl::StrCat("--listen_address=", node.address),
                                        absl::StrCat("--port=", kHttpPort),
                                        absl::StrCat("--grpc_port=", kGrpcPort),
                                        absl::StrCat("--node_id=", node.id),
                                        absl::StrCat("--strategy=", setting.strategy),
                                        "--busy_poll=false"};
  const bool follower = setting.leader != 0 && setting.leader != node.id;
  if (setting.leader != 0) {
    arguments.push_back(absl::StrCat("--node_type=", follower ? "follower" : "leader"));
  }
  if (!follower) {
    arguments.push_back(absl::StrCat("--peers=", absl::StrJoin(peers, ",")));
    if (setting.write_mode == WriteMode::kPlain) {
      arguments.push_back(absl::StrCat("--w=", setting.w));
      arguments.push_back(absl::StrCat("--r=", setting.r));
    }
  }
  if (setting.write_mode != WriteMode::kPlain) {
    arguments.push_back(absl::StrCat("--write_mode=", WriteModeName(setting.write_mode)));
  }
  if (!setting.emulate.empty()) arguments.push_back(absl::StrCat("--emulate=", setting.emulate));
  if (!node.data.empty()) {
    arguments.push_back(absl::StrCat("--data_dir=", node.data));
    arguments.push_back(absl::StrCat("--durability=", DurabilityName(options_.durability)));
  }
  return arguments;
}

std::vector<std::string> RealCluster::EnvironmentOf(const Node& node) const {
  std::vector<std::string> environment = {
      absl::StrCat("QUORATE_NEMESIS_SCHEDULE=", options_.schedule_file),
      absl::StrCat("QUORATE_NEMESIS_BOARD=", options_.board_file),
      absl::StrCat("QUORATE_NEMESIS_NODE=", node.id)};
  if (options_.full_disks) environment.push_back("QUORATE_NEMESIS_FULL_DISKS=1");
  for (const char* name : {"PATH", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS"}) {
    const char* const value = std::getenv(name);
    if (value != nullptr) environment.push_back(absl::StrCat(name, "=", value));
  }
  return environment;
}

absl::Status RealCluster::Start(NodeId id) {
  if (Up(id)) return absl::OkStatus();
  Node& node = at(id);
  if (!node.data.empty()) {
    std::error_code error;
    fs::create_directories(fs::path(node.data).parent_path(), error);
    if (error) return absl::UnavailableError(absl::StrCat(node.data, ": ", error.message()));
    if (options_.full_disks && node.life == 0) {
      const absl::Status mounted = MountSmallDisk(fs::path(node.data).parent_path());
      if (!mounted.ok()) return mounted;
    }
  }
  absl::StatusOr<std::unique_ptr<ChildProcess>> process =
      ChildProcess::Start(Command{ArgumentsOf(node), EnvironmentOf(node), node.log,
                                  /*awaits_term=*/true});
  if (!process.ok()) return process.status();
  node.process = *std::move(process);
  ++node.life;
  return absl::OkStatus();
}

void RealCluster::Kill(NodeId node) {
  if (at(node).process != nullptr) at(node).process->Kill();
}

void RealCluster::Terminate(NodeId node) {
  if (at(node).process != nullptr) at(node).process->Signal(SIGTERM);
}

void RealCluster::Wipe(NodeId node) {
  std::error_code ignored;
  if (!at(node).data.empty()) fs::remove_all(at(node).data, ignored);
}

absl::Status RealCluster::FillDisk(NodeId node) {
  const std::string path = (fs::path(at(node).data).parent_path() / kBallast).string();
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Refused(path);
  const std::string block(size_t{1} << 16, 'b');
  // First in blocks, then what is left.
  for (size_t bytes = block.size(); bytes > 0;) {
    const ssize_t written = write(fd, block.data(), bytes);
    if (written <= 0) bytes /= 16;
  }
  close(fd);
  return absl::OkStatus();
}

void RealCluster::EmptyDisk(NodeId node) {
  if (!options_.full_disks) return;
  std::error_code ignored;
  fs::remove(fs::path(at(node).data).parent_path() / kBallast, ignored);
}

std::optional<v1::StatusResponse> RealCluster::Ask(NodeId node, absl::Duration patience) const {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + patience));
  v1::StatusResponse response;
  if (!at(node).stub->Status(&context, v1::StatusRequest(), &response).ok()) return std::nullopt;
  return response;
}

bool RealCluster::AtRest(const std::optional<v1::StatusResponse>& status) const {
  if (!status.has_value() || status->state() != "serving") return false;
  int connected = 0;
  for (const v1::PeerStatus& peer : status->peers()) connected += peer.connected() ? 1 : 0;
  return connected == options_.setting.n - 1;
}

absl::StatusOr<Holding> RealCluster::Held(NodeId node, const std::vector<std::string>& keys) const {
  Holding held;
  for (const std::string& key : keys) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kReadPatience));
    v1::LocalReadRequest request;
    request.set_key_bytes(key);
    request.set_siblings(true);
    v1::GetResponse response;
    const grpc::Status status = at(node).stub->LocalRead(&context, request, &response);
    if (!status.ok()) {
      return absl::UnavailableError(
          absl::StrCat("node ", node, " does not tell what it holds: ", status.error_message()));
    }
    // Who answered is no part of what is held.
    response.clear_node();
    held[key] = response.ShortDebugString();
  }
  return held;
}

std::string RealCluster::LogTail(NodeId node) const {
  std::ifstream log(at(node).log, std::ios::ate);
  if (!log.good()) return "";
  const std::streamoff size = log.tellg();
  log.seekg(std::max<std::streamoff>(0, size - kLogTailBytes));
  return std::string(std::istreambuf_iterator<char>(log), std::istreambuf_iterator<char>());
}

absl::Status SeparateMounts() {
  if (unshare(CLONE_NEWNS) != 0) return Refused("no mounts of its own");
  // So that nobody else sees what is mounted here.
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return Refused("no mounts of its own");
  }
  return absl::OkStatus();
}

absl::Status MountSmallDisk(const std::string& folder) {
  if (mount("tmpfs", folder.c_str(), "tmpfs", 0, kSmallDisk) != 0) {
    return Refused(absl::StrCat("no disk of its own at ", folder));
  }
  return absl::OkStatus();
}

}  // namespace quorate::nemesis
