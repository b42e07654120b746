// From the options of a run to what runs it.
//
// Functions: thread-safe.
#ifndef QUORATE_LOADGEN_LOAD_SETUP_H_
#define QUORATE_LOADGEN_LOAD_SETUP_H_

#include "loadgen/key_chooser.h"
#include "loadgen/options.h"
#include "loadgen/runner.h"
#include "loadgen/transport.h"

namespace quorate::loadgen {

// REQUIRE valid options.
KeyChooser MakeKeyChooser(const Options& options);
RunnerOptions MakeRunnerOptions(const Options& options);
TransportOptions MakeTransportOptions(const Options& options);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_LOAD_SETUP_H_
