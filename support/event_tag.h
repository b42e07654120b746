// Tags of gRPC completion queues that hand events to methods.
#ifndef QUORATE_SUPPORT_EVENT_TAG_H_
#define QUORATE_SUPPORT_EVENT_TAG_H_

namespace quorate {

// What a completion queue's tags point to.
class EventHandler {
 public:
  virtual ~EventHandler() = default;
  // On the thread that serves the queue. `ok` as CompletionQueue::Next explains it for the call at
  // hand.
  virtual void OnEvent(bool ok) = 0;
};

// Hands an event to a method of its owner, which must live until the event has come.
//
//   EventTag<Stream> read_done_{this, &Stream::OnRead};
//   stream->Read(&batch_, read_done_.tag());
template <typename Owner>
class EventTag final : public EventHandler {
 public:
  EventTag(Owner* owner, void (Owner::*method)(bool ok)) : owner_(owner), method_(method) {}
  void OnEvent(bool ok) override { (owner_->*method_)(ok); }
  void* tag() { return static_cast<EventHandler*>(this); }

 private:
  Owner* const owner_;
  void (Owner::*const method_)(bool ok);
};

}  // namespace quorate

#endif  // QUORATE_SUPPORT_EVENT_TAG_H_
