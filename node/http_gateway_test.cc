#include "node/http_gateway.h"

#include <cstdint>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/write.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/http/parser.hpp"
#include "boost/beast/http/read.hpp"
#include "boost/beast/http/string_body.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "node/fake_kv_api.h"
#include "replication/storage/record.h"
#include "replication/storage/version.h"

namespace quorate {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using nlohmann::json;
using ::testing::HasSubstr;
using Response = http::response<http::string_body>;

// A loopback address that no other process of the tests uses.
std::string OwnAddress() {
  const int pid = static_cast<int>(getpid());
  return absl::StrCat("127.", 1 + (pid >> 16) % 200, ".", (pid >> 8) & 0xff, ".", 1 + (pid & 0x7f));
}

// A blocking client that gives up after ten seconds of silence.
class Client {
 public:
  explicit Client(const HttpGateway& gateway) : socket_(context_) {
    const boost::asio::ip::tcp::endpoint endpoint(boost::asio::ip::make_address(OwnAddress()),
                                                  static_cast<uint16_t>(gateway.port()));
    socket_.connect(endpoint, connect_error_);
    const timeval timeout = {10, 0};
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
  }

  bool connected() const { return !connect_error_; }

  // Errors do not matter: the server may have answered and closed before all was sent.
  void Send(const std::string& bytes) {
    error_code ignored;
    boost::asio::write(socket_, boost::asio::buffer(bytes), ignored);
  }

  Response Receive(bool head = false) {
    http::response_parser<http::string_body> parser;
    parser.body_limit(uint64_t{64} << 20);
    parser.skip(head);
    error_code error;
    http::read(socket_, buffer_, parser, error);
    EXPECT_FALSE(error) << error.message();
    return parser.release();
  }

  // Whether the server closes without sending anything more.
  bool AtEnd() {
    if (buffer_.size() > 0) return false;
    char byte = 0;
    error_code error;
    socket_.read_some(boost::asio::buffer(&byte, 1), error);
    return error == boost::asio::error::eof || error == boost::asio::error::connection_reset;
  }

  void Close() {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  boost::asio::io_context context_;
  boost::asio::ip::tcp::socket socket_;
  error_code connect_error_;
  boost::beast::flat_buffer buffer_;
};

std::string Get(const std::string& target, const std::string& headers = "") {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: test\r\n", headers, "\r\n");
}

std::string Post(const std::string& target, const std::string& body,
                 const std::string& headers = "") {
  return absl::StrCat("POST ", target, " HTTP/1.1\r\nHost: test\r\nContent-Length: ", body.size(),
                      "\r\n", headers, "\r\n", body);
}

json Body(const Response& response) { return json::parse(response.body(), nullptr, false); }

// Answers as if every key held its own name as version 5.
OperationResult Echo(const Operation& operation) {
  OperationResult result;
  result.record = Record::Sequenced(1, 5, false, operation.key);
  result.node = 1;
  return result;
}

class HttpGatewayTest : public ::testing::Test {
 protected:
  HttpGatewayTest() {
    options_.address = OwnAddress();
    options_.port = 0;
    v1::StatusResponse status;
    status.set_state("serving");
    api_.SetStatus(status);
  }

  void Start() {
    auto gateway = HttpGateway::Start(options_, &api_);
    ASSERT_TRUE(gateway.ok()) << gateway.status();
    gateway_ = *std::move(gateway);
  }

  // One request on a connection of its own.
  Response Ask(const std::string& request, bool head = false) {
    Client client(*gateway_);
    client.Send(request);
    return client.Receive(head);
  }

  void ExpectError(const Response& response, unsigned status, const std::string& code) {
    EXPECT_EQ(response.result_int(), status) << response.body();
    EXPECT_EQ(response[http::field::content_type], "application/json; charset=utf-8");
    const json body = Body(response);
    ASSERT_TRUE(body.is_object()) << response.body();
    EXPECT_EQ(body["code"], code);
    EXPECT_TRUE(body["message"].is_string());
  }

  HttpOptions options_;
  FakeKvApi api_;
  std::unique_ptr<HttpGateway> gateway_;
};

TEST_F(HttpGatewayTest, DocumentedCalls) {
  api_.AnswerWith(Echo);
  Start();
  const Response set = Ask(
      Post("/set", R"({"key":"mykey","value":"myvalue"})", "Content-Type: application/json\r\n"));
  EXPECT_EQ(set.result_int(), 201u);
  EXPECT_EQ(set[http::field::content_type], "application/json; charset=utf-8");
  EXPECT_EQ(Body(set)["message"], "Key set successfully");
  EXPECT_EQ(Body(set)["version"], 5);
  const Response get = Ask(Get("/get/mykey"));
  EXPECT_EQ(get.result_int(), 200u);
  EXPECT_EQ(Body(get)["value"], "mykey");
  EXPECT_EQ(Ask(Get("/local_read/mykey")).result_int(), 200u);
  EXPECT_EQ(Ask(Post("/delete", R"({"key":"mykey"})")).result_int(), 200u);
  const Response health = Ask(Get("/health"));
  EXPECT_EQ(health.result_int(), 200u);
  EXPECT_EQ(Body(health)["status"], "healthy");

  ASSERT_EQ(api_.started().size(), 4u);
  EXPECT_EQ(api_.started()[0].value, "myvalue");
  EXPECT_EQ(api_.started()[0].timeout, options_.operation_timeout);
  EXPECT_EQ(api_.started()[2].kind, OperationKind::kLocalRead);
}

TEST_F(HttpGatewayTest, AbsentKeysUnknownPathsAndWrongMethods) {
  api_.AnswerWith([](const Operation&) { return OperationResult(); });
  Start();
  ExpectError(Ask(Get("/get/absent")), 404, "NOT_FOUND");
  ExpectError(Ask(Get("/nothing")), 404, "NOT_FOUND");
  const Response wrong = Ask(Get("/set"));
  ExpectError(wrong, 405, "UNIMPLEMENTED");
  EXPECT_EQ(wrong[http::field::allow], "POST");
}

TEST_F(HttpGatewayTest, RawValuesPassUnchanged) {
  api_.AnswerWith(Echo);
  Start();
  const std::string bytes("\0\xff\r\n\r\nGET / HTTP/1.1\r\n", 22);
  Client client(*gateway_);
  client.Send(absl::StrCat("PUT /v1/kv/a%20b?w=2&timeout_ms=50 HTTP/1.1\r\nHost: test\r\n",
                           "Content-Type: image/png\r\nExpect: 100-continue\r\n",
                           "quorate-context: AQID\r\nContent-Length: ", bytes.size(), "\r\n\r\n"));
  EXPECT_EQ(client.Receive().result_int(), 100u);
  client.Send(bytes);
  const Response put = client.Receive();
  EXPECT_EQ(put.result_int(), 200u);
  EXPECT_EQ(put["Quorate-Version"], "5");
  EXPECT_EQ(put[http::field::cache_control], "no-store");
  EXPECT_EQ(api_.started()[0].value, bytes);
  EXPECT_EQ(api_.started()[0].context, "\x01\x02\x03");
  EXPECT_EQ(api_.started()[0].timeout, absl::Milliseconds(50));

  client.Send(Get("/v1/kv/%ff%00"));
  const Response get = client.Receive();
  EXPECT_EQ(get.result_int(), 200u);
  EXPECT_EQ(get[http::field::content_type], "application/octet-stream");
  EXPECT_EQ(get.body(), std::string("\xff\0", 2));
  EXPECT_EQ(get["Quorate-Node"], "node-1");
  EXPECT_EQ(api_.started()[1].timeout, options_.operation_timeout);

  client.Send("HEAD /v1/kv/%ff%00 HTTP/1.1\r\nHost: test\r\n\r\n");
  const Response head = client.Receive(/*head=*/true);
  EXPECT_EQ(head[http::field::content_length], "2");
  EXPECT_EQ(head["Quorate-Context"], get["Quorate-Context"]);

  client.Send("DELETE /v1/kv/k HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(client.Receive().result_int(), 200u);
  client.Send("PUT /v1/kv/k HTTP/1.1\r\nHost: test\r\nIf-Match: x\r\nContent-Length: 0\r\n\r\n");
  ExpectError(client.Receive(), 501, "UNIMPLEMENTED");
  EXPECT_EQ(api_.started().size(), 4u);
}

TEST_F(HttpGatewayTest, ANodeThatIsNotServingIsNotHealthy) {
  v1::StatusResponse status;
  status.set_state("waiting");
  api_.SetStatus(status);
  Start();
  const Response health = Ask(Get("/health"));
  EXPECT_EQ(health.result_int(), 503u);
  EXPECT_EQ(health[http::field::retry_after], "1");
  EXPECT_EQ(Body(health)["status"], "waiting");
}

TEST_F(HttpGatewayTest, HeadHasTheHeaderOfGetAndNoBody) {
  api_.AnswerWith(Echo);
  Start();
  Client client(*gateway_);
  client.Send(Get("/get/k"));
  const Response get = client.Receive();
  client.Send("HEAD /get/k HTTP/1.1\r\nHost: test\r\n\r\n");
  const Response head = client.Receive(/*head=*/true);
  EXPECT_EQ(head.result_int(), 200u);
  EXPECT_EQ(head[http::field::content_length], get[http::field::content_length]);
  client.Send(Get("/get/k"));
  EXPECT_EQ(client.Receive().body(), get.body());
}

TEST_F(HttpGatewayTest, AConnectionServesManyRequestsUntilAskedToClose) {
  api_.AnswerWith(Echo);
  Start();
  Client client(*gateway_);
  for (int i = 0; i < 50; ++i) {
    client.Send(i % 2 == 0 ? Get(absl::StrCat("/get/", i))
                           : Post("/set", absl::StrCat("{\"key\":\"", i, "\",\"value\":\"\"}")));
    EXPECT_EQ(client.Receive().result_int(), i % 2 == 0 ? 200u : 201u);
  }
  client.Send(Get("/nothing"));
  EXPECT_TRUE(client.Receive().keep_alive());
  client.Send(Get("/get/k", "Connection: close\r\n"));
  EXPECT_FALSE(client.Receive().keep_alive());
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpGatewayTest, OldClientsAreServedOnce) {
  api_.AnswerWith(Echo);
  Start();
  Client client(*gateway_);
  client.Send("GET /get/k HTTP/1.0\r\n\r\n");
  const Response response = client.Receive();
  EXPECT_EQ(response.result_int(), 200u);
  EXPECT_EQ(response.version(), 10u);
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpGatewayTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  Client client(*gateway_);
  client.Send(Get("/get/first") + Post("/set", R"({"key":"second","value":"v"})") + Get("/health") +
              Get("/get/third"));
  ASSERT_TRUE(api_.AwaitStarted(1));
  api_.AnswerWith(Echo);
  api_.Finish(0, Echo(api_.started()[0]));
  EXPECT_EQ(Body(client.Receive())["value"], "first");
  EXPECT_EQ(client.Receive().result_int(), 201u);
  EXPECT_EQ(Body(client.Receive())["status"], "healthy");
  EXPECT_EQ(Body(client.Receive())["value"], "third");
}

TEST_F(HttpGatewayTest, BodiesInChunks) {
  api_.AnswerWith(Echo);
  Start();
  const Response response =
      Ask("POST /set HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
          "8\r\n{\"key\":\"\r\n13\r\nk\",\"value\":\"chunks\"\r\n1\r\n}\r\n0\r\n\r\n");
  EXPECT_EQ(response.result_int(), 201u) << response.body();
  EXPECT_EQ(api_.started().at(0).value, "chunks");
}

TEST_F(HttpGatewayTest, AClientThatAsksFirstIsToldToGoOn) {
  api_.AnswerWith(Echo);
  Start();
  const std::string body = R"({"key":"k","value":"v"})";
  Client client(*gateway_);
  client.Send(absl::StrCat("POST /set HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\n",
                           "Content-Length: ", body.size(), "\r\n\r\n"));
  EXPECT_EQ(client.Receive().result_int(), 100u);
  client.Send(body);
  EXPECT_EQ(client.Receive().result_int(), 201u);
}

TEST_F(HttpGatewayTest, TheLongestValueFitsEvenIfEveryByteIsEscaped) {
  api_.AnswerWith([](const Operation& operation) {
    OperationResult result;
    result.record = Record::Sequenced(1, 1, false, operation.value);
    return result;
  });
  Start();
  const size_t bytes = size_t{4} << 20;
  std::string escaped;
  for (size_t i = 0; i < bytes; ++i) escaped += "\\u0001";
  EXPECT_EQ(Ask(Post("/set", "{\"key\":\"k\",\"value\":\"" + escaped + "\"}")).result_int(), 201u);
  EXPECT_EQ(api_.started().at(0).value, std::string(bytes, '\x01'));
}

TEST_F(HttpGatewayTest, TooLongAHeaderIsRefused) {
  Start();
  Client client(*gateway_);
  client.Send(Get("/get/" + std::string(options_.max_header_bytes, 'k')));
  ExpectError(client.Receive(), 431, "INVALID_ARGUMENT");
  EXPECT_EQ(api_.started().size(), 0u);
}

TEST_F(HttpGatewayTest, TooLongABodyIsRefusedAndTheClientGetsToReadWhy) {
  options_.max_body_bytes = 100000;
  Start();
  const std::string body(options_.max_body_bytes + 5000000, ' ');
  ExpectError(Ask(Post("/set", body)), 413, "INVALID_ARGUMENT");

  Client chunked(*gateway_);
  chunked.Send("POST /set HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
  chunked.Send(absl::StrCat(absl::Hex(body.size()), "\r\n", body, "\r\n0\r\n\r\n"));
  ExpectError(chunked.Receive(), 413, "INVALID_ARGUMENT");
  EXPECT_EQ(api_.started().size(), 0u);
}

TEST_F(HttpGatewayTest, WhatIsNoHttpIsRefused) {
  Start();
  for (const std::string request :
       {"nonsense\r\n\r\n", "GET /health HTTP/9.9\r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
        "GET /health HTTP/1.1\r\nbad header\r\n\r\n",
        "POST /set HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "POST /set HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    Client client(*gateway_);
    client.Send(request);
    ExpectError(client.Receive(), 400, "INVALID_ARGUMENT");
  }
}

TEST_F(HttpGatewayTest, MemoryInFlightIsBounded) {
  options_.max_body_bytes = 1 << 20;
  options_.max_buffered_bytes = 200000;
  api_.AnswerWith(Echo);
  Start();
  const std::string body = "{\"key\":\"k\",\"value\":\"" + std::string(300000, 'v') + "\"}";
  ExpectError(Ask(Post("/set", body)), 429, "RESOURCE_EXHAUSTED");
  EXPECT_EQ(api_.started().size(), 0u);

  api_.AnswerWith([](const Operation&) {
    OperationResult result;
    result.record = Record::Sequenced(1, 5, false, std::string(300000, 'v'));
    return result;
  });
  Client client(*gateway_);
  client.Send(Get("/get/k"));
  ExpectError(client.Receive(), 429, "RESOURCE_EXHAUSTED");

  // Everything has been given back.
  const std::string smaller = "{\"key\":\"k\",\"value\":\"" + std::string(150000, 'v') + "\"}";
  for (int i = 0; i < 3; ++i) {
    client.Send(Post("/set", smaller));
    EXPECT_EQ(client.Receive().result_int(), 201u);
  }
}

// They wait where the gateway's thread has other things to do, and may be far larger than answers.
TEST_F(HttpGatewayTest, ResultsThatWaitAreCounted) {
  options_.max_buffered_bytes = 250000;
  Start();
  // Of two concurrent values the short one is shown.
  const auto found = [](size_t bytes) {
    OperationResult result;
    result.record = Record();
    result.record->Put(Version(), Sibling{Dot{{1, 10}, 1}, 100, false, std::string(bytes, 'v')});
    result.record->Put(Version(), Sibling{Dot{{2, 20}, 1}, 200, false, "shown"});
    return result;
  };
  Client first(*gateway_);
  Client second(*gateway_);
  Client third(*gateway_);
  Client writer(*gateway_);
  first.Send(Get("/get/k"));
  ASSERT_TRUE(api_.AwaitStarted(1));
  second.Send(Get("/get/k"));
  ASSERT_TRUE(api_.AwaitStarted(2));
  third.Send(Get("/get/k"));
  ASSERT_TRUE(api_.AwaitStarted(3));
  writer.Send(Post("/set", R"({"key":"k","value":"v"})"));
  ASSERT_TRUE(api_.AwaitStarted(4));

  std::promise<void> go_on;
  api_.AnswerWith([wait = go_on.get_future().share()](const Operation&) {
    wait.wait();  // on the gateway's thread
    return OperationResult();
  });
  Client slow(*gateway_);
  slow.Send(Get("/get/absent"));
  ASSERT_TRUE(api_.AwaitStarted(5));
  for (size_t i = 0; i < 3; ++i) api_.Finish(i, found(100000));
  api_.Finish(3, found(100000));
  go_on.set_value();
  EXPECT_EQ(slow.Receive().result_int(), 404u);
  EXPECT_EQ(Body(first.Receive())["value"], "shown");
  EXPECT_EQ(Body(second.Receive())["value"], "shown");
  ExpectError(third.Receive(), 429, "RESOURCE_EXHAUSTED");
  EXPECT_EQ(writer.Receive().result_int(), 201u);

  // Everything has been given back, also of a client that has not waited.
  api_.AnswerWith(nullptr);
  third.Send(Get("/get/k"));
  ASSERT_TRUE(api_.AwaitStarted(6));
  third.Close();
  ASSERT_TRUE(api_.AwaitCancelled(1));
  api_.Finish(5, found(240000));
  api_.AnswerWith([&](const Operation&) { return found(240000); });
  EXPECT_EQ(Body(Ask(Get("/get/k")))["value"], "shown");
}

// Whatever refuses a repeat does not know what became of the tries before it.
TEST_F(HttpGatewayTest, RefusalsOfARepeatSpeakOfEarlierTries) {
  options_.max_body_bytes = 1 << 20;
  options_.max_buffered_bytes = 200000;
  Start();
  const std::string body = "{\"key\":\"k\",\"value\":\"" + std::string(300000, 'v') + "\"}";
  for (const bool repeat : {false, true}) {
    const std::string headers = absl::StrCat(
        "Idempotency-Key: \"request\"\r\nQuorate-Repeat: ", repeat ? "true" : "false", "\r\n");
    const Response response = Ask(Post("/set", body, headers));
    ExpectError(response, repeat ? 504 : 429, "RESOURCE_EXHAUSTED");
    EXPECT_EQ(Body(response)["details"][0]["may_have_applied"], repeat);
  }
}

TEST_F(HttpGatewayTest, ARepeatThatCannotBeReadSpeaksOfEarlierTries) {
  options_.max_body_bytes = 1000;
  Start();
  const std::string long_body(2000, ' ');
  const std::string long_header(options_.max_header_bytes, 'x');
  for (const bool repeat : {false, true}) {
    const std::string headers = repeat ? "Quorate-Repeat: true\r\n" : "";
    const std::pair<unsigned, std::string> requests[] = {
        {413, Post("/set", long_body, headers)},
        {400, Post("/set", "{", headers)},
        {400, absl::StrCat("PUT /v1/kv/k HTTP/1.1\r\n", headers,
                           "Transfer-Encoding: chunked\r\n\r\nzz\r\n")},
        {400, absl::StrCat("PUT /v1/kv/k HTTP/1.1\r\nbad header\r\n", headers, "\r\n")},
        {400, absl::StrCat("PUT /v1/kv/k HTTP/9.9\r\n", headers, "\r\n")},
        // The body of a request whose header cannot be read.
        {400, absl::StrCat("PUT /v1/kv/k HTTP/1.1\r\nbad header\r\n", headers,
                           "\r\nQuorate-Repeat: true\r\n")},
        // A header that is too long, with its end and without.
        {431,
         absl::StrCat("PUT /v1/kv/k HTTP/1.1\r\n", headers, "Long: ", long_header, "\r\n\r\n")},
        {431, absl::StrCat("PUT /v1/kv/k HTTP/1.1\r\n", headers, "Long: ", long_header)}};
    for (const auto& [status, request] : requests) {
      const Response response = Ask(request);
      ExpectError(response, status, "INVALID_ARGUMENT");
      EXPECT_EQ(Body(response)["details"][0]["may_have_applied"], repeat) << response.body();
    }
  }
}

TEST_F(HttpGatewayTest, TheOutcomeOfAWriteIsToldHoweverLongItIs) {
  options_.max_buffered_bytes = 1000;
  // A context grows with every start of a node that has written the key.
  OperationResult result;
  result.record = Record();
  for (uint64_t incarnation = 1; incarnation <= 6000; ++incarnation) {
    result.record->version.Add(Dot{{1, incarnation << 32}, 1});
  }
  api_.AnswerWith([&](const Operation&) { return result; });
  Start();
  const Response response = Ask(Post("/set", R"({"key":"k","value":"v"})"));
  EXPECT_EQ(response.result_int(), 201u);
  EXPECT_GT(response.body().size(), size_t{64} << 10);
  const Response raw = Ask("PUT /v1/kv/k HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nv");
  EXPECT_EQ(raw.result_int(), 200u);
  EXPECT_GT(raw.body().size(), size_t{64} << 10);
}

TEST_F(HttpGatewayTest, ConnectionsBeyondTheLimitAreToldSo) {
  options_.max_connections = 2;
  Start();
  Client first(*gateway_);
  Client second(*gateway_);
  first.Send(Get("/health"));
  EXPECT_EQ(first.Receive().result_int(), 200u);
  second.Send(Get("/health"));
  EXPECT_EQ(second.Receive().result_int(), 200u);

  Client third(*gateway_);
  const Response refusal = third.Receive();
  ExpectError(refusal, 503, "UNAVAILABLE");
  EXPECT_FALSE(refusal.keep_alive());
  third.Close();

  // The server forgets a connection a moment after the client has seen its end.
  second.Send(Get("/health", "Connection: close\r\n"));
  second.Receive();
  EXPECT_TRUE(second.AtEnd());
  unsigned status = 0;
  for (int i = 0; i < 1000 && status != 200; ++i) status = Ask(Get("/health")).result_int();
  EXPECT_EQ(status, 200u);
}

TEST_F(HttpGatewayTest, IdleConnectionsAreClosed) {
  options_.idle_timeout = absl::Milliseconds(50);
  Start();
  Client client(*gateway_);
  client.Send(Get("/health"));
  client.Receive();
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpGatewayTest, SlowRequestsAreCutOff) {
  options_.read_timeout = absl::Milliseconds(50);
  Start();
  Client header(*gateway_);
  header.Send("GET /health HTTP/1.1\r\nHost:");
  EXPECT_TRUE(header.AtEnd());
  Client body(*gateway_);
  body.Send("POST /set HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n{\"key\"");
  EXPECT_TRUE(body.AtEnd());
}

TEST_F(HttpGatewayTest, AClientThatGoesAwayCancelsItsRead) {
  Start();
  {
    Client client(*gateway_);
    client.Send(Get("/get/k"));
    ASSERT_TRUE(api_.AwaitStarted(1));
  }
  EXPECT_TRUE(api_.AwaitCancelled(1));
  api_.Finish(0, Failed(absl::CancelledError("the client is gone")));
  EXPECT_EQ(Ask(Get("/health")).result_int(), 200u);
}

TEST_F(HttpGatewayTest, ShutdownFinishesWhatIsInFlight) {
  Start();
  Client working(*gateway_);
  working.Send(Get("/get/k"));
  ASSERT_TRUE(api_.AwaitStarted(1));
  Client idle(*gateway_);
  idle.Send(Get("/health"));
  idle.Receive();
  Client late(*gateway_);
  late.Send(Get("/health"));
  late.Receive();
  Client late_health(*gateway_);
  late_health.Send(Get("/health"));
  late_health.Receive();
  Client late_repeat(*gateway_);
  late_repeat.Send(Get("/health"));
  late_repeat.Receive();
  // In one piece with a whole request, so that it has been read when the answer comes.
  late.Send(Get("/health") + "GET /get/k HTTP/1.1\r\n");
  late.Receive();
  late_health.Send(Get("/health") + "GET /health HTTP/1.1\r\n");
  late_health.Receive();
  late_repeat.Send(Get("/health") +
                   "DELETE /v1/kv/k HTTP/1.1\r\nIdempotency-Key: \"request\"\r\n"
                   "Quorate-Repeat: true\r\n");
  late_repeat.Receive();

  std::thread shutdown([this] { gateway_->Shutdown(absl::Seconds(20)); });
  EXPECT_TRUE(idle.AtEnd());
  late.Send("\r\n");
  ExpectError(late.Receive(), 503, "UNAVAILABLE");
  EXPECT_TRUE(late.AtEnd());
  late_repeat.Send("\r\n");
  const Response repeat = late_repeat.Receive();
  ExpectError(repeat, 504, "UNAVAILABLE");
  EXPECT_EQ(Body(repeat)["details"][0]["may_have_applied"], true);
  late_health.Send("\r\n");
  const Response health = late_health.Receive();
  EXPECT_EQ(health.result_int(), 503u);
  EXPECT_EQ(Body(health)["status"], "draining");
  EXPECT_FALSE(Client(*gateway_).connected());

  EXPECT_EQ(api_.open_operations(), 1u);
  api_.Finish(0, Echo(api_.started()[0]));
  const Response response = working.Receive();
  EXPECT_EQ(Body(response)["value"], "k");
  EXPECT_FALSE(response.keep_alive());
  EXPECT_TRUE(working.AtEnd());
  shutdown.join();
}

TEST_F(HttpGatewayTest, ShutdownCancelsWhatDoesNotFinishInTime) {
  Start();
  Client client(*gateway_);
  client.Send(Get("/get/k"));
  ASSERT_TRUE(api_.AwaitStarted(1));
  gateway_->Shutdown(absl::Milliseconds(20));
  EXPECT_TRUE(api_.AwaitCancelled(1));
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpGatewayTest, AResultMayComeAfterTheGatewayIsGone) {
  Start();
  Client client(*gateway_);
  client.Send(Get("/get/k"));
  ASSERT_TRUE(api_.AwaitStarted(1));
  gateway_.reset();
  api_.Finish(0, Echo(api_.started()[0]));
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpGatewayTest, APortInUseIsNamed) {
  Start();
  options_.port = gateway_->port();
  const auto second = HttpGateway::Start(options_, &api_);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr(absl::StrCat(OwnAddress(), ":", options_.port)));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use"));

  // A restarted node gets its port back at once, although old connections still linger.
  Ask(Get("/health"));
  gateway_.reset();
  EXPECT_TRUE(HttpGateway::Start(options_, &api_).ok());
}

TEST_F(HttpGatewayTest, AddressesThatMakeNoSenseAreRefused) {
  options_.address = "no-address";
  EXPECT_EQ(HttpGateway::Start(options_, &api_).status().code(),
            absl::StatusCode::kInvalidArgument);
  options_.address = OwnAddress();
  options_.port = 65536;
  EXPECT_EQ(HttpGateway::Start(options_, &api_).status().code(),
            absl::StatusCode::kInvalidArgument);
  // Of a range for documentation, so no machine has it.
  options_.address = "192.0.2.1";
  options_.port = 0;
  EXPECT_THAT(std::string(HttpGateway::Start(options_, &api_).status().message()),
              HasSubstr("192.0.2.1"));
}

TEST_F(HttpGatewayTest, SurvivesDamagedRequests) {
  api_.AnswerWith(Echo);
  Start();
  const std::string requests =
      Post("/set", R"({"key":"k","value":"v\u00e9","w":3,"context":"AQID"})",
           "Expect: 100-continue\r\n") +
      Get("/get/a%20b/c?r=2&siblings=true") +
      "PUT /v1/kv/a%20b?w=2&timeout_ms=50 HTTP/1.1\r\nQuorate-Context: AQID\r\n"
      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
      Get("/v1/kv?key_b64=_wA&consistency=local");
  std::mt19937 random(20240607);
  for (int round = 0; round < 300; ++round) {
    std::string damaged = requests;
    const int edits = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < edits; ++i) {
      const size_t at = random() % damaged.size();
      switch (random() % 3) {
        case 0:
          damaged[at] = static_cast<char>(random());
          break;
        case 1:
          damaged.erase(at, random() % 20);
          break;
        default:
          damaged.insert(at, damaged.substr(random() % damaged.size(), random() % 30));
      }
    }
    Client client(*gateway_);
    client.Send(damaged);
  }
  EXPECT_EQ(Ask(Get("/health")).result_int(), 200u);
}

}  // namespace
}  // namespace quorate
