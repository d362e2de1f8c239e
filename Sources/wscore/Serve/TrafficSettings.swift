import SessionServer

/// Rates as they are given: a rate and a burst each, 0 or nothing for what was not.
struct TrafficSettings {
  var messageRate = 0
  var messageBurst = 0
  var byteRate = 0
  var byteBurst = 0
  var controlRate = 1_000
  var controlBurst = 0
  var addressConnections = 0
  var addressRate = 0
  var addressBurst = 0

  func apply(to configuration: inout ServerConfiguration) {
    configuration.traffic.messages = rate(messageRate, messageBurst)
    configuration.traffic.bytes = rate(byteRate, byteBurst)
    configuration.traffic.controlFrames = rate(controlRate, controlBurst, seconds: 5)
    configuration.addresses.connectionCount = addressConnections == 0 ? nil : addressConnections
    configuration.addresses.connectionRate = rate(addressRate, addressBurst)
  }

  /// A burst that was not given is what comes in so many seconds.
  private func rate(_ perSecond: Int, _ burst: Int, seconds: Int = 1) -> RateLimit? {
    guard perSecond > 0 else { return nil }
    return RateLimit(perSecond: perSecond, burst: burst > 0 ? burst : perSecond * seconds)
  }
}
