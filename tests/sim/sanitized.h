// Whether this is a sanitizer's build: it makes a seed about ten times slower, and what it looks
// for shows in fewer of them.
#ifndef QUORATE_TESTS_SIM_SANITIZED_H_
#define QUORATE_TESTS_SIM_SANITIZED_H_

namespace quorate::sim {

// GCC says it by macros of its own; libraries may define __has_feature for it, as false.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
inline constexpr bool kSanitized =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace quorate::sim

#endif  // QUORATE_TESTS_SIM_SANITIZED_H_
