#include "support/library_locks.h"

#include "absl/synchronization/mutex.h"

namespace quorate {

void SpareLibraryLocks() {
#ifdef NDEBUG
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
}

}  // namespace quorate
