// The name of a connection, with which the names of its writes begin.
#ifndef QUORATE_CLIENT_CONNECTION_NAME_H_
#define QUORATE_CLIENT_CONNECTION_NAME_H_

#include <string>

namespace quorate {

// Eight bytes, unlike those of any other connection of any process, a forked one included: to meet
// another one's is less likely than that memory fails. Thread-safe.
std::string NewConnectionName();

}  // namespace quorate

#endif  // QUORATE_CLIENT_CONNECTION_NAME_H_
