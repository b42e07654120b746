// ChildProcess: a program that never outlives its parent, whatever happens to that.
//
//   absl::StatusOr<std::unique_ptr<ChildProcess>> child = ChildProcess::Start(command);
//   (*child)->Signal(SIGSTOP);
//   if ((*child)->Ended()) ... (*child)->HowItEnded() ...
#ifndef QUORATE_TESTS_NEMESIS_CHILD_PROCESS_H_
#define QUORATE_TESTS_NEMESIS_CHILD_PROCESS_H_

#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include "absl/status/statusor.h"

namespace quorate::nemesis {

struct Command {
  std::vector<std::string> arguments;    // the program's path first
  std::vector<std::string> environment;  // NAME=value
  std::string log;                       // a file that takes what it prints; appended to
  // It waits for SIGTERM with sigwait: one that comes before it does so is kept for it.
  bool awaits_term = false;
};

// Not thread-safe. The thread that starts a child must live as long as the child shall.
class ChildProcess {
 public:
  // UNAVAILABLE where the system refuses. A program that cannot be run ends at once, with status
  // 127.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(const Command& command);
  // Kills the child, and blocks until it is gone.
  ~ChildProcess();

  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Nothing happens where the child has ended.
  void Signal(int number);
  // Kills the child, stopped or not, and blocks until it is gone.
  void Kill();

  // Whether it has ended. Does not block.
  bool Ended();
  // Once it has ended: whether with exit status 0, and how it ended, for people.
  bool EndedWell() const { return ended_ && status_ == 0; }
  std::string HowItEnded() const;

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}

  const pid_t pid_;
  bool ended_ = false;
  int status_ = 0;  // as waitpid gives it
};

}  // namespace quorate::nemesis

#endif  // QUORATE_TESTS_NEMESIS_CHILD_PROCESS_H_
