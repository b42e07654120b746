// What Protobuf thinks of damaged bytes is not worth a line for each input.
#ifndef QUORATE_TESTS_FUZZ_QUIET_PROTOBUF_H_
#define QUORATE_TESTS_FUZZ_QUIET_PROTOBUF_H_

#include "google/protobuf/stubs/logging.h"

namespace quorate::fuzz {

// Any number of calls. Not thread-safe.
inline void KeepProtobufQuiet() { google::protobuf::SetLogHandler(nullptr); }

}  // namespace quorate::fuzz

#endif  // QUORATE_TESTS_FUZZ_QUIET_PROTOBUF_H_
