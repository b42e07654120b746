#include "loadgen/null_transport.h"

#include <thread>

namespace quorate::loadgen {

NullTransport::NullTransport(size_t targets, size_t keys, size_t max_in_flight)
    : targets_(targets), max_in_flight_(max_in_flight), registers_(keys) {}

bool NullTransport::HasRoom(size_t) const {
  return sent_.size() + answering_.size() < max_in_flight_;
}

void NullTransport::Send(uint64_t tag, const Request& request) {
  Sent sent;
  sent.tag = tag;
  sent.key = request.key_number;
  sent.write = request.write;
  if (request.write) {
    Register& held = registers_[request.key_number];
    held.value.assign(request.value.data(), request.value.size());
    sent.version = ++held.version;
  }
  sent_.push_back(sent);
}

void NullTransport::Poll(Time until, ReplyHandler* handler) {
  if (sent_.empty()) {
    std::this_thread::sleep_until(until);
    return;
  }
  answering_.swap(sent_);
  while (!answering_.empty()) {
    const Sent sent = answering_.back();
    answering_.pop_back();
    const Register& held = registers_[sent.key];
    Reply reply;
    reply.version = sent.write ? sent.version : held.version;
    reply.order = Order{0, reply.version, 0};
    reply.order_known = true;
    if (!sent.write) {
      reply.found = held.version > 0;
      reply.value = held.value;
    }
    handler->OnReply(sent.tag, reply);
  }
}

std::vector<RestHealth> NullTransport::CheckTargets() {
  RestHealth health;
  health.node = "none";
  health.role = "leader";
  health.strategy = "in this process";
  health.n = health.w = health.r = 1;
  return std::vector<RestHealth>(targets_, health);
}

}  // namespace quorate::loadgen
