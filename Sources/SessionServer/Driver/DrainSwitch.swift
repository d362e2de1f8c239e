import SessionCore
import Synchronization

/// Turns the taking of sessions off and on again while the server runs on.
struct DrainSwitch: Sendable {
  let services: Services
  let peers: [Peer]

  /// No `hello` is taken any more. Clients are asked to come back elsewhere, spread over the time, and are served on
  /// until they do.
  func drain(overMilliseconds spread: UInt64) {
    services.isDraining.store(true, ordering: .relaxed)
    let count = services.connectionCount.load(ordering: .relaxed)
    services.logger.notice(
      "draining without an end",
      metadata: ["connections": .stringConvertible(count), "over_ms": .stringConvertible(spread)])
    for peer in peers { peer.post(.startDraining(spreadMilliseconds: spread, deadlineMilliseconds: nil)) }
  }

  /// False if the server is going down: there is no way back from there.
  func undrain() -> Bool {
    guard !services.isStopping.load(ordering: .relaxed) else { return false }
    services.isDraining.store(false, ordering: .relaxed)
    services.logger.notice("takes sessions again")
    for peer in peers { peer.post(.stopDraining) }
    return true
  }
}
