#include "tests/nemesis/child_process.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace quorate::nemesis {
namespace {

constexpr int kCannotRun = 127;

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// In the child. Other threads of the parent may hold any lock, so nothing here may take one.
[[noreturn]] void Become(char* const* arguments, char* const* environment, int log, pid_t parent,
                         bool awaits_term) {
  sigset_t blocked;
  sigemptyset(&blocked);
  if (awaits_term) sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_SETMASK, &blocked, nullptr);
  // Signals that a terminal sends are for the parent, who ends its children in its own way.
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kCannotRun);  // it has died before that
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execve(arguments[0], arguments, environment);
  _exit(kCannotRun);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(const Command& command) {
  const int log = open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) {
    return absl::UnavailableError(absl::StrCat(command.log, ": ", std::strerror(errno)));
  }
  const std::vector<char*> arguments = Pointers(command.arguments);
  const std::vector<char*> environment = Pointers(command.environment);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    Become(arguments.data(), environment.data(), log, parent, command.awaits_term);
  }
  const std::string reason = pid < 0 ? std::strerror(errno) : "";
  close(log);
  if (pid < 0) return absl::UnavailableError(absl::StrCat("cannot fork: ", reason));
  return absl::WrapUnique(new ChildProcess(pid));
}

ChildProcess::~ChildProcess() { Kill(); }

void ChildProcess::Signal(int number) {
  if (!Ended()) kill(pid_, number);
}

void ChildProcess::Kill() {
  if (Ended()) return;
  kill(pid_, SIGKILL);
  pid_t gone = 0;
  do {
    gone = waitpid(pid_, &status_, 0);
  } while (gone < 0 && errno == EINTR);
  ended_ = true;
}

bool ChildProcess::Ended() {
  if (!ended_) ended_ = waitpid(pid_, &status_, WNOHANG) == pid_;
  return ended_;
}

std::string ChildProcess::HowItEnded() const {
  if (WIFSIGNALED(status_)) return absl::StrCat("killed by signal ", WTERMSIG(status_));
  return absl::StrCat("exit status ", WEXITSTATUS(status_));
}

}  // namespace quorate::nemesis
