// Peer messages with contents of an input's choosing: well-formed, and likely to mean something to
// whoever gets them, which random bytes are not.
#ifndef QUORATE_TESTS_FUZZ_PEER_MESSAGE_MAKER_H_
#define QUORATE_TESTS_FUZZ_PEER_MESSAGE_MAKER_H_

#include "proto/peer.pb.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/peer_world.h"

namespace quorate::fuzz {

// Refers to epochs, incarnations and operations of `world`, or to others.
peer::v1::Message MakeMessage(const PeerWorld& world, FuzzInput* input);

}  // namespace quorate::fuzz

#endif  // QUORATE_TESTS_FUZZ_PEER_MESSAGE_MAKER_H_
