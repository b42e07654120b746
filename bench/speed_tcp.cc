#include "bench/speed_tcp.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"

#include "bench/speed_messages.h"
#include "node/poll_loop.h"

namespace quorate {
namespace {

constexpr absl::Duration kDrain = absl::Seconds(5);
constexpr int kReplicas = 4;
constexpr int kWaitMillis = 2000;

// What takes one answer off the beginning of what has come.
struct Answer {
  size_t bytes = 0;   // 0: not all of it is there
  std::string error;  // empty: as it should be
};

struct Protocol {
  std::function<void(uint64_t key, std::string* out)> append_request;
  std::function<Answer(absl::string_view received)> take_answer;
};

// ---- HTTP ----

Answer TakeHttpAnswer(absl::string_view received) {
  const size_t end = received.find("\r\n\r\n");
  if (end == absl::string_view::npos) return {};
  const absl::string_view header = received.substr(0, end);
  size_t length = 0;
  for (const absl::string_view line : absl::StrSplit(header, "\r\n")) {
    constexpr absl::string_view kLength = "content-length:";
    if (absl::StartsWithIgnoreCase(line, kLength)) {
      CHECK(absl::SimpleAtoi(line.substr(kLength.size()), &length)) << line;
    }
  }
  if (received.size() < end + 4 + length) return {};
  Answer answer{end + 4 + length, ""};
  const absl::string_view status = header.substr(0, header.find("\r\n"));
  if (!absl::StrContains(status, " 200 ") && !absl::StrContains(status, " 201 ")) {
    answer.error = std::string(status);
  }
  return answer;
}

Protocol Http(const SpeedLoad& load) {
  const std::string host = absl::StrCat(" HTTP/1.1\r\nHost: ", load.target, "\r\n");
  const std::string value(load.value_bytes, 'v');
  if (load.call == "get") {
    return {[host, r = load.r](uint64_t key, std::string* out) {
              absl::StrAppend(out, "GET /get/", SpeedKey(key), "?r=", r, host, "\r\n");
            },
            TakeHttpAnswer};
  }
  CHECK_EQ(load.call, "set");
  return {[host, value, w = load.w](uint64_t key, std::string* out) {
            const std::string body = absl::StrCat(R"({"key":")", SpeedKey(key), R"(","value":")",
                                                  value, R"(","w":)", w, "}");
            absl::StrAppend(out, "POST /set", host, "Content-Type: application/json\r\n",
                            "Content-Length: ", body.size(), "\r\n\r\n", body);
          },
          TakeHttpAnswer};
}

// ---- Redis ----

// One reply of RESP that is not nested.
Answer TakeReply(absl::string_view received, absl::string_view expected) {
  const size_t end = received.find("\r\n");
  if (end == absl::string_view::npos) return {};
  const absl::string_view line = received.substr(0, end);
  Answer answer{end + 2, ""};
  int length = -1;
  if (line[0] == '$' && absl::SimpleAtoi(line.substr(1), &length) && length >= 0) {
    answer.bytes += static_cast<size_t>(length) + 2;
    if (received.size() < answer.bytes) return {};
  }
  if (line != expected) answer.error = std::string(line);
  return answer;
}

// A SET's reply and that of its WAIT.
Answer TakeBothReplies(absl::string_view received) {
  const Answer set = TakeReply(received, "+OK");
  if (set.bytes == 0) return {};
  Answer wait = TakeReply(received.substr(set.bytes), absl::StrCat(":", kReplicas));
  if (wait.bytes == 0) return {};
  wait.bytes += set.bytes;
  if (!set.error.empty()) wait.error = set.error;
  return wait;
}

std::string Command(const std::vector<std::string>& words) {
  std::string command = absl::StrCat("*", words.size(), "\r\n");
  for (const std::string& word : words) {
    absl::StrAppend(&command, "$", word.size(), "\r\n", word, "\r\n");
  }
  return command;
}

Protocol Redis(const SpeedLoad& load) {
  if (load.call == "get") {
    return {[](uint64_t key, std::string* out) {
              absl::StrAppend(out, Command({"GET", SpeedKey(key)}));
            },
            [expected = absl::StrCat("$", load.value_bytes)](absl::string_view received) {
              return TakeReply(received, expected);
            }};
  }
  const std::string value(load.value_bytes, 'v');
  if (load.call == "set") {
    return {[value](uint64_t key, std::string* out) {
              absl::StrAppend(out, Command({"SET", SpeedKey(key), value}));
            },
            [](absl::string_view received) { return TakeReply(received, "+OK"); }};
  }
  CHECK_EQ(load.call, "set_wait");
  const std::string wait = Command({"WAIT", absl::StrCat(kReplicas), absl::StrCat(kWaitMillis)});
  return {[value, wait](uint64_t key, std::string* out) {
            absl::StrAppend(out, Command({"SET", SpeedKey(key), value}), wait);
          },
          TakeBothReplies};
}

// ---- Connections ----

sockaddr_in AddressOf(const std::string& target) {
  const std::vector<std::string> parts = absl::StrSplit(target, ':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  int port = 0;
  CHECK(parts.size() == 2 && absl::SimpleAtoi(parts[1], &port) &&
        inet_pton(AF_INET, parts[0].c_str(), &address.sin_addr) == 1)
      << "no IPv4 address with a port: " << target;
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

class Connection {
 public:
  Connection(const sockaddr_in& address, const Protocol* protocol, int in_flight, SpeedTally* tally)
      : protocol_(protocol), in_flight_(in_flight), tally_(tally) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_GE(socket_, 0);
    const int on = 1;
    const timeval bound{5, 0};
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound));
    CHECK_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0)
        << std::strerror(errno);
  }
  ~Connection() { close(socket_); }

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int socket() const { return socket_; }

  // Whether there was anything to send, and it went.
  bool Send() {
    out_.clear();
    for (; awaited_ < in_flight_; ++awaited_) {
      const std::optional<uint64_t> key = tally_->NextKey();
      if (!key.has_value()) break;
      protocol_->append_request(*key, &out_);
    }
    if (out_.empty()) return false;
    // A batch is far smaller than what the kernel buffers, so this does not wait for the server.
    const ssize_t sent = ::send(socket_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(out_.size())) return true;
    tally_->Failed("a connection that takes no requests");
    return false;
  }

  // Takes what has come. Whether the connection goes on.
  bool Receive() {
    char bytes[65536];
    const ssize_t got = ::recv(socket_, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (got <= 0) {
      tally_->Failed("a connection that the server has closed");
      return false;
    }
    in_.append(bytes, static_cast<size_t>(got));
    absl::string_view rest = in_;
    while (awaited_ > 0) {
      const Answer answer = protocol_->take_answer(rest);
      if (answer.bytes == 0) break;
      rest.remove_prefix(answer.bytes);
      --awaited_;
      if (answer.error.empty()) {
        tally_->Succeeded();
      } else {
        tally_->Failed(answer.error);
      }
    }
    in_.erase(0, in_.size() - rest.size());
    return awaited_ > 0 || Send();
  }

 private:
  const Protocol* const protocol_;
  const int in_flight_;
  SpeedTally* const tally_;
  int socket_;
  int awaited_ = 0;
  std::string out_;
  std::string in_;
};

class TcpLoad {
 public:
  TcpLoad(const SpeedLoad& load, Protocol protocol, SpeedTally* tally)
      : protocol_(std::move(protocol)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    CHECK_GE(epoll_, 0);
    const sockaddr_in address = AddressOf(load.target);
    for (int i = 0; i < load.connections; ++i) {
      connections_.push_back(
          std::make_unique<Connection>(address, &protocol_, load.in_flight, tally));
      Connection* const connection = connections_.back().get();
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = connection;
      CHECK_EQ(epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->socket(), &event), 0);
      if (connection->Send()) ++open_;
    }
  }
  ~TcpLoad() { close(epoll_); }

  TcpLoad(const TcpLoad&) = delete;
  TcpLoad& operator=(const TcpLoad&) = delete;

  // Until `duration` is over, or no connection is open any more.
  void Poll(absl::Duration duration) {
    constexpr int kMaxEvents = 64;
    epoll_event events[kMaxEvents];
    const MonotonicTime end = MonotonicNow() + duration;
    for (MonotonicTime now = MonotonicNow(); open_ > 0 && now < end; now = MonotonicNow()) {
      const int64_t millis = absl::ToInt64Milliseconds(end - now) + 1;
      const int count = epoll_wait(epoll_, events, kMaxEvents, static_cast<int>(millis));
      for (int i = 0; i < count; ++i) {
        auto* connection = static_cast<Connection*>(events[i].data.ptr);
        if (connection->Receive()) continue;
        epoll_ctl(epoll_, EPOLL_CTL_DEL, connection->socket(), nullptr);
        --open_;
      }
    }
  }

 private:
  const Protocol protocol_;
  const int epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  int open_ = 0;
};

void Run(const SpeedLoad& load, Protocol protocol, SpeedTally* tally) {
  TcpLoad tcp(load, std::move(protocol), tally);
  tcp.Poll(load.warm_up);
  tally->Begin();
  tcp.Poll(load.duration);
  tally->End();
  tcp.Poll(kDrain);
}

}  // namespace

void RunHttp(const SpeedLoad& load, SpeedTally* tally) { Run(load, Http(load), tally); }

void RunRedis(const SpeedLoad& load, SpeedTally* tally) { Run(load, Redis(load), tally); }

}  // namespace quorate
