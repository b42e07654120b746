#include "client/client.h"

#include <utility>

#include "glog/logging.h"

namespace quorate {
namespace {

ReadRequest ToRequest(std::string key, ReadOptions options, bool local_only) {
  ReadRequest request;
  request.key = std::move(key);
  request.r = options.r;
  request.siblings = options.siblings;
  request.linearizable = options.linearizable;
  request.session = std::move(options.session);
  request.local_only = local_only;
  request.timeout = options.timeout;
  return request;
}

WriteRequest ToRequest(std::string key, std::optional<std::string> value, WriteOptions options) {
  WriteRequest request;
  request.key = std::move(key);
  request.value = std::move(value);
  request.w = options.w;
  request.context = std::move(options.context);
  request.session = std::move(options.session);
  request.request_id = std::move(options.request_id);
  request.repeat = options.repeat;
  request.timeout = options.timeout;
  return request;
}

Future<ReadReply> ReadSoon(const std::shared_ptr<Connection>& connection, ReadRequest request) {
  return Future<ReadReply>(connection, [&](ReadCallback done) {
    return connection->Read(std::move(request), std::move(done));
  });
}

Future<WriteReply> WriteSoon(const std::shared_ptr<Connection>& connection, WriteRequest request) {
  return Future<WriteReply>(connection, [&](WriteCallback done) {
    return connection->Write(std::move(request), std::move(done));
  });
}

}  // namespace

Client::Client(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {
  CHECK(connection_ != nullptr);
}

Future<ReadReply> Client::Get(std::string key, ReadOptions options) {
  return ReadSoon(connection_, ToRequest(std::move(key), std::move(options), /*local_only=*/false));
}

CallId Client::Get(std::string key, ReadOptions options, ReadCallback done) {
  return connection_->Read(ToRequest(std::move(key), std::move(options), /*local_only=*/false),
                           std::move(done));
}

Future<ReadReply> Client::LocalRead(std::string key, ReadOptions options) {
  return ReadSoon(connection_, ToRequest(std::move(key), std::move(options), /*local_only=*/true));
}

CallId Client::LocalRead(std::string key, ReadOptions options, ReadCallback done) {
  return connection_->Read(ToRequest(std::move(key), std::move(options), /*local_only=*/true),
                           std::move(done));
}

Future<WriteReply> Client::Set(std::string key, std::string value, WriteOptions options) {
  return WriteSoon(connection_, ToRequest(std::move(key), std::move(value), std::move(options)));
}

CallId Client::Set(std::string key, std::string value, WriteOptions options, WriteCallback done) {
  return connection_->Write(ToRequest(std::move(key), std::move(value), std::move(options)),
                            std::move(done));
}

Future<WriteReply> Client::Delete(std::string key, WriteOptions options) {
  return WriteSoon(connection_, ToRequest(std::move(key), std::nullopt, std::move(options)));
}

CallId Client::Delete(std::string key, WriteOptions options, WriteCallback done) {
  return connection_->Write(ToRequest(std::move(key), std::nullopt, std::move(options)),
                            std::move(done));
}

Future<NodeStatus> Client::Status(std::string address, absl::Duration timeout) {
  return Future<NodeStatus>(connection_, [&](StatusCallback done) {
    return connection_->Status(StatusRequest{std::move(address), timeout}, std::move(done));
  });
}

CallId Client::Status(std::string address, absl::Duration timeout, StatusCallback done) {
  return connection_->Status(StatusRequest{std::move(address), timeout}, std::move(done));
}

}  // namespace quorate
