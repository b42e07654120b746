#include "tests/sim/sim_network.h"

#include <algorithm>

namespace quorate::sim {

SimNetwork::SimNetwork(const NetworkPlan& plan, int nodes, SimRng rng, EventQueue* queue,
                       NetworkUser* user)
    : plan_(plan), nodes_(nodes), rng_(rng), queue_(queue), user_(user) {
  for (int from = 1; from <= nodes; ++from) {
    for (int to = 1; to <= nodes; ++to) {
      if (from != to) path(from, to).base = Now(from, to).Between(plan_.base_min, plan_.base_max);
    }
  }
}

void SimNetwork::Send(NodeId from, NodeId to, std::shared_ptr<const peer::v1::Batch> batch) {
  ++counters_.sent;
  SendOnce(from, to, batch);
  if (Now(from, to).ChancePerMille(plan_.repeat_per_mille)) {
    ++counters_.repeated;
    SendOnce(from, to, batch);
  }
}

void SimNetwork::SendOnce(NodeId from, NodeId to,
                          const std::shared_ptr<const peer::v1::Batch>& batch) {
  Path& way = path(from, to);
  SimRng rng = Now(from, to);
  absl::Duration delay = way.base + way.clog + rng.Exponential(plan_.jitter_mean);
  if (plan_.emulated.any()) {
    delay += plan_.emulated.For(from, to, *batch, [&rng] { return rng.Next(); });
  }
  if (way.cuts > 0 || rng.ChancePerMille(plan_.loss_per_mille)) {
    ++counters_.lost;
    return;
  }
  MonotonicTime arrival = queue_->Now() + delay;
  if (plan_.keeps_order) {
    arrival = std::max(arrival, way.last_arrival + absl::Nanoseconds(1));
    way.last_arrival = arrival;
  }
  queue_->At(arrival, [this, from, to, batch] {
    // What is under way when a cut begins does not arrive.
    if (path(from, to).cuts > 0 || !user_->Up(to)) {
      ++counters_.lost;
      return;
    }
    user_->Deliver(to, batch);
  });
}

void SimNetwork::OnStart(NodeId node) {
  for (NodeId peer = 1; peer <= static_cast<NodeId>(nodes_); ++peer) {
    if (peer == node) continue;
    path(node, peer).linked = false;
    Dial(node, peer);
    // A peer whose transport had not noticed the crash finds its old connection reset.
    if (path(peer, node).linked) MaybeNotice(peer, node);
  }
}

void SimNetwork::OnCrash(NodeId node) {
  for (NodeId peer = 1; peer <= static_cast<NodeId>(nodes_); ++peer) {
    if (peer == node) continue;
    path(node, peer).linked = false;
    MaybeNotice(peer, node);
  }
}

void SimNetwork::Cut(NodeId from, NodeId to) {
  ++path(from, to).cuts;
  MaybeNotice(from, to);
  MaybeNotice(to, from);
}

void SimNetwork::Mend(NodeId from, NodeId to) {
  Path& way = path(from, to);
  way.cuts = std::max(0, way.cuts - 1);
}

void SimNetwork::Clog(NodeId from, NodeId to, absl::Duration extra) {
  path(from, to).clog += extra;
}

void SimNetwork::Heal() {
  plan_.loss_per_mille = 0;
  plan_.repeat_per_mille = 0;
  plan_.jitter_mean = plan_.base_min;
  for (auto& [pair, way] : paths_) {
    way.cuts = 0;
    way.clog = absl::ZeroDuration();
  }
}

void SimNetwork::Dial(NodeId from, NodeId to) {
  if (path(from, to).dialling) return;
  path(from, to).dialling = true;
  queue_->After(Now(from, to).Exponential(plan_.redial_mean), [this, from, to] {
    Path& way = path(from, to);
    way.dialling = false;
    if (!user_->Up(from) || way.linked) return;
    if (!user_->Up(to) || way.cuts > 0 || path(to, from).cuts > 0) {
      Dial(from, to);
      return;
    }
    way.linked = true;
    user_->DeliverLink(from, to, true);
  });
}

void SimNetwork::Unlink(NodeId from, NodeId to) {
  Path& way = path(from, to);
  if (!way.linked || !user_->Up(from)) return;
  way.linked = false;
  user_->DeliverLink(from, to, false);
  Dial(from, to);
}

void SimNetwork::MaybeNotice(NodeId from, NodeId to) {
  SimRng rng = Now(from, to);
  const bool notices = rng.Chance(plan_.notices_percent);
  const absl::Duration after = rng.Exponential(plan_.redial_mean);
  if (notices) {
    queue_->After(after, [this, from, to] { Unlink(from, to); });
  }
}

}  // namespace quorate::sim
