// LiveView: shows one line a second without ever keeping the load generator waiting: a slow
// terminal or a full pipe loses lines, not operations.
//
//   LiveView view(stdout);
//   view.Show("  5 s left  500 op/s ...");
//
// On a terminal each line replaces the one before; elsewhere every line stands by itself.
#ifndef QUORATE_LOADGEN_LIVE_VIEW_H_
#define QUORATE_LOADGEN_LIVE_VIEW_H_

#include <cstdio>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"

#include "support/mutex.h"

namespace quorate::loadgen {

// Thread-safe.
class LiveView {
 public:
  // `out` must outlive the view.
  explicit LiveView(std::FILE* out);
  // For tests: as if `out` was, or was not, a terminal.
  LiveView(std::FILE* out, bool terminal);

  // Blocks until the last line has been written, and ends a terminal's line.
  ~LiveView();

  LiveView(const LiveView&) = delete;
  LiveView& operator=(const LiveView&) = delete;

  // Has `line`, without a line end, written soon; a line that has not been written yet is lost
  // instead. Does not block.
  void Show(std::string line);

 private:
  void WriteLines();
  void Write(const std::string& line);

  // Fixed after construction.
  std::FILE* const out_;
  const bool terminal_;

  // Belongs to the writing thread.
  size_t shown_columns_ = 0;

  Mutex mu_;
  CondVar changed_;
  std::optional<std::string> next_ ABSL_GUARDED_BY(mu_);
  bool done_ ABSL_GUARDED_BY(mu_) = false;

  std::thread writer_;
};

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_LIVE_VIEW_H_
