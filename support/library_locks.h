// SpareLibraryLocks: what gRPC's locks cost.
#ifndef QUORATE_SUPPORT_LIBRARY_LOCKS_H_
#define QUORATE_SUPPORT_LIBRARY_LOCKS_H_

namespace quorate {

// For the beginning of main(). gRPC locks with Abseil's mutexes, which in a distribution's build
// note the order of all locks that a thread holds in one graph of the process, so as to abort where
// two threads might wait for each other. That is for finding defects, and costs a program that does
// little else than call gRPC some 5 % of its processor time. Turns it off, except in builds with
// assertions, such as those for the sanitizers.
void SpareLibraryLocks();

}  // namespace quorate

#endif  // QUORATE_SUPPORT_LIBRARY_LOCKS_H_
