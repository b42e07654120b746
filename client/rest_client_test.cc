#include "client/rest_client.h"

#include <memory>
#include <string>
#include <vector>

#include "boost/asio/io_context.hpp"
#include "gtest/gtest.h"

#include "client/rest_test_server.h"

namespace quorate {
namespace {

using Then = RestTestServer::Then;

class RestClientTest : public ::testing::Test {
 protected:
  void Serve(RestTestServer::Handler handler, RestClient::Options options = {}) {
    server_ = std::make_unique<RestTestServer>(&io_, std::move(handler));
    client_ = std::make_unique<RestClient>(&io_, server_->endpoint(), "test", options);
  }

  // Runs one operation to its end.
  RestResult Set(const std::string& key, const std::string& value, std::optional<int> w = {}) {
    client_->Set(key, value, w, Keep());
    return Await();
  }
  RestResult Get(const std::string& key, std::optional<int> r = {}) {
    client_->Get(key, r, Keep());
    return Await();
  }

  RestClient::Callback Keep() {
    return [this](RestResult result) { results_.push_back(std::move(result)); };
  }
  RestResult Await() {
    const size_t before = results_.size();
    while (results_.size() == before) io_.run_one();
    return results_.back();
  }

  boost::asio::io_context io_;
  std::unique_ptr<RestTestServer> server_;
  std::unique_ptr<RestClient> client_;
  std::vector<RestResult> results_;
};

TEST_F(RestClientTest, SpeaksTheDocumentedCalls) {
  std::vector<std::string> seen;
  Serve([&](const RestTestServer::Request& request) {
    seen.push_back(request.method + " " + request.target + " " + request.body);
    if (request.method == "POST") return RestTestServer::Answer{201, R"({"version":5})"};
    return RestTestServer::Answer{200, R"({"key":"k","value":"v","version":5})"};
  });
  EXPECT_EQ(Set("my key", "v\"1").version, 5u);
  EXPECT_EQ(Set("k", "v", 2).version, 5u);
  EXPECT_EQ(Get("a/b c+d%").value, "v");
  EXPECT_EQ(Get("k", 3).value, "v");
  client_->LocalRead("k", Keep());
  EXPECT_TRUE(Await().found);
  EXPECT_EQ(seen, (std::vector<std::string>{R"(POST /set {"key":"my key","value":"v\"1"})",
                                            R"(POST /set {"key":"k","value":"v","w":2})",
                                            "GET /get/a%2Fb%20c%2Bd%25 ", "GET /get/k?r=3 ",
                                            "GET /local_read/k "}));
  EXPECT_EQ(server_->accepted(), 1);  // kept alive
}

TEST_F(RestClientTest, Health) {
  Serve([](const RestTestServer::Request&) {
    return RestTestServer::Answer{200, R"({"status":"healthy","w":3})"};
  });
  RestHealth health;
  bool done = false;
  client_->Health([&](RestHealth result) {
    health = std::move(result);
    done = true;
  });
  while (!done) io_.run_one();
  EXPECT_TRUE(health.status.ok());
  EXPECT_EQ(health.w, 3);
}

TEST_F(RestClientTest, DialsAgainAfterTheServerClosed) {
  for (const Then then : {Then::kClose, Then::kHangUp}) {
    Serve([then](const RestTestServer::Request&) {
      return RestTestServer::Answer{201, R"({"version":1})", then};
    });
    EXPECT_TRUE(Set("k", "v").status.ok());
    while (io_.poll() > 0) {
    }
    EXPECT_TRUE(Set("k", "v").status.ok());
    EXPECT_EQ(server_->accepted(), 2);
  }
}

TEST_F(RestClientTest, RefusedConnectionWasNotSent) {
  Serve([](const RestTestServer::Request&) { return RestTestServer::Answer{}; });
  const auto endpoint = server_->endpoint();
  server_->Stop();
  client_ = std::make_unique<RestClient>(&io_, endpoint, "test", RestClient::Options{});
  const RestResult result = Set("k", "v");
  EXPECT_EQ(result.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(result.may_have_applied);
}

TEST_F(RestClientTest, CutOffSetMayHaveApplied) {
  Serve([](const RestTestServer::Request&) {
    return RestTestServer::Answer{0, "", Then::kCutOff};
  });
  const RestResult result = Set("k", "v");
  EXPECT_EQ(result.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(result.may_have_applied);
  EXPECT_FALSE(Get("k").status.ok());
}

TEST_F(RestClientTest, UnansweredSetTimesOutAndMayHaveApplied) {
  RestClient::Options options;
  options.timeout = absl::Milliseconds(30);
  Serve(
      [](const RestTestServer::Request&) {
        return RestTestServer::Answer{0, "", Then::kSilence};
      },
      options);
  const RestResult result = Set("k", "v");
  EXPECT_EQ(result.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(result.may_have_applied);
}

TEST_F(RestClientTest, HasRoomForAsManyAsItHasConnections) {
  RestClient::Options options;
  options.max_connections = 2;
  Serve(
      [](const RestTestServer::Request&) {
        return RestTestServer::Answer{201, R"({"version":1})"};
      },
      options);
  EXPECT_TRUE(client_->HasRoom());
  client_->Set("a", "v", {}, Keep());
  EXPECT_TRUE(client_->HasRoom());
  client_->Set("b", "v", {}, Keep());
  EXPECT_FALSE(client_->HasRoom());
  Await();
  EXPECT_TRUE(client_->HasRoom());
  Await();
  EXPECT_EQ(server_->accepted(), 2);
}

TEST_F(RestClientTest, CallbackMayStartTheNextOperation) {
  RestClient::Options options;
  options.max_connections = 1;
  Serve(
      [](const RestTestServer::Request&) {
        return RestTestServer::Answer{201, R"({"version":1})"};
      },
      options);
  int left = 50;
  std::function<void(RestResult)> next = [&](const RestResult& result) {
    EXPECT_TRUE(result.status.ok());
    if (--left > 0) client_->Set("k", "v", {}, next);
  };
  client_->Set("k", "v", {}, next);
  while (left > 0) io_.run_one();
  EXPECT_EQ(server_->accepted(), 1);
}

TEST_F(RestClientTest, DestroyedClientCallsNobody) {
  Serve([](const RestTestServer::Request&) {
    return RestTestServer::Answer{0, "", Then::kSilence};
  });
  client_->Set("k", "v", {}, Keep());
  while (server_->accepted() == 0) io_.run_one();
  client_.reset();
  server_.reset();
  io_.run();
  EXPECT_TRUE(results_.empty());
}

TEST_F(RestClientTest, AnswerThatIsNotHttpIsAnError) {
  Serve([](const RestTestServer::Request&) { return RestTestServer::Answer{}; });
  boost::asio::ip::tcp::acceptor acceptor(io_, {server_->endpoint().address(), 0});
  boost::asio::ip::tcp::socket peer(io_);
  acceptor.async_accept(peer, [&](boost::system::error_code) {
    boost::system::error_code ignored;
    peer.write_some(boost::asio::buffer(std::string("hello there\r\n\r\n")), ignored);
  });
  client_ =
      std::make_unique<RestClient>(&io_, acceptor.local_endpoint(), "test", RestClient::Options{});
  const RestResult result = Set("k", "v");
  EXPECT_FALSE(result.status.ok());
  EXPECT_TRUE(result.may_have_applied);
}

}  // namespace
}  // namespace quorate
