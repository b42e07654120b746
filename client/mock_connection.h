// MockConnection: stands in for a cluster in the tests of programs that use a Client.
//
//   auto connection = std::make_shared<quorate::MockConnection>();
//   EXPECT_CALL(*connection, Read).WillOnce([](ReadRequest request, ReadCallback done) {
//     ReadReply reply;
//     reply.value = "hello";
//     done(reply);
//     return CallId{1};
//   });
//   Greeter greeter{quorate::Client(connection)};
#ifndef QUORATE_CLIENT_MOCK_CONNECTION_H_
#define QUORATE_CLIENT_MOCK_CONNECTION_H_

#include "gmock/gmock.h"

#include "client/connection.h"

namespace quorate {

// Thread-safe as gMock's objects are.
class MockConnection : public Connection {
 public:
  MOCK_METHOD(CallId, Read, (ReadRequest request, ReadCallback done), (override));
  MOCK_METHOD(CallId, Write, (WriteRequest request, WriteCallback done), (override));
  MOCK_METHOD(CallId, Status, (StatusRequest request, StatusCallback done), (override));
  MOCK_METHOD(void, Cancel, (CallId id), (override));
};

}  // namespace quorate

#endif  // QUORATE_CLIENT_MOCK_CONNECTION_H_
