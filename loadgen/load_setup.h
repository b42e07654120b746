// From the options of a run to what runs it.
//
// Functions: thread-safe.
#ifndef QUORATE_LOADGEN_LOAD_SETUP_H_
#define QUORATE_LOADGEN_LOAD_SETUP_H_

#include <cstddef>

#include "loadgen/key_chooser.h"
#include "loadgen/options.h"
#include "loadgen/runner.h"
#include "loadgen/transport.h"

namespace quorate::loadgen {

// REQUIRE valid options.
// How many keys a run may add to those there are: as many as its schedule will insert, with some
// slack, and no more than a million.
size_t MaxInsertedKeys(const Options& options);
KeyChooser MakeKeyChooser(const Options& options);
RunnerOptions MakeRunnerOptions(const Options& options);
TransportOptions MakeTransportOptions(const Options& options);

}  // namespace quorate::loadgen

#endif  // QUORATE_LOADGEN_LOAD_SETUP_H_
