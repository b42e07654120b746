#include "loadgen/live_view.h"

#include <cstdlib>
#include <unistd.h>
#include <utility>

#include "absl/strings/string_view.h"

namespace quorate::loadgen {
namespace {

bool IsTerminal(std::FILE* out) {
  const char* kind = std::getenv("TERM");
  return ::isatty(::fileno(out)) == 1 && kind != nullptr && absl::string_view(kind) != "dumb";
}

}  // namespace

LiveView::LiveView(std::FILE* out) : LiveView(out, IsTerminal(out)) {}

LiveView::LiveView(std::FILE* out, bool terminal)
    : out_(out), terminal_(terminal), writer_([this] { WriteLines(); }) {}

LiveView::~LiveView() {
  {
    MutexLock lock(&mu_);
    done_ = true;
  }
  changed_.SignalAll();
  writer_.join();
  if (terminal_ && shown_columns_ > 0) std::fputc('\n', out_);
  std::fflush(out_);
}

void LiveView::Show(std::string line) {
  {
    MutexLock lock(&mu_);
    next_ = std::move(line);
  }
  changed_.SignalAll();
}

void LiveView::WriteLines() {
  while (true) {
    std::string line;
    {
      MutexLock lock(&mu_);
      while (!next_.has_value() && !done_) changed_.Wait(&mu_);
      if (!next_.has_value()) return;
      line = *std::exchange(next_, std::nullopt);
    }
    Write(line);
  }
}

void LiveView::Write(const std::string& line) {
  if (terminal_) {
    // Blanks over the rest of a longer line before: that works on any terminal.
    const size_t blanks = shown_columns_ > line.size() ? shown_columns_ - line.size() : 0;
    std::fprintf(out_, "\r%s%*s", line.c_str(), static_cast<int>(blanks), "");
    shown_columns_ = line.size();
  } else {
    std::fprintf(out_, "%s\n", line.c_str());
  }
  std::fflush(out_);
}

}  // namespace quorate::loadgen
