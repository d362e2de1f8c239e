import Logging
import SessionCore
import Synchronization

/// What all drivers of a server share: none of it is touched on the data path but the handlers, which do not change.
final class Services: Sendable {
  let configuration: ServerConfiguration
  let handlers: [HandlerTable.Entry]
  let deprecations: [Deprecation]
  let authenticator: any Authenticator
  let authorizer: (any RoomAuthorizer)?
  let restorer: (any Restorer)?
  let observer: (any LifecycleObserver)?
  let events: EventLog
  let credentialRefusals = RefusalTally()
  let limits = LimitTally()
  /// Nil unless connections of one address are bounded.
  let addresses: AddressLedger?
  let logger: Logger
  /// Nil without TLS.
  let tls: TLSKeeper?

  let isDraining = Atomic(false)
  /// Draining is to end with the server.
  let isStopping = Atomic(false)
  /// Connections of the transport, whatever they speak yet.
  let transportCount = Atomic(0)
  /// Sockets that were accepted and are open.
  let socketCount = Atomic(0)
  /// There is no room for further sockets: they wait to be accepted.
  let isAcceptPaused = Atomic(false)
  /// Connections without a network so far.
  let inProcessCount = Atomic(0)
  /// Connections that carry sessions or are about to, of every transport, and are not being closed.
  let connectionCount = Atomic(0)

  /// Bytes in the outboxes of all shards, each as it told last.
  let outboxByteCount = Atomic(0)

  init(
    configuration: ServerConfiguration, handlers: [HandlerTable.Entry], deprecations: [Deprecation], hooks: Hooks,
    logger: Logger
  ) throws(ServerError) {
    tls = if let settings = configuration.tls { try TLSKeeper(settings, logger) } else { nil }
    self.configuration = configuration
    addresses = configuration.addresses.isEmpty ? nil : AddressLedger(configuration.addresses)
    self.handlers = handlers
    self.deprecations = deprecations
    authenticator = hooks.authenticator
    authorizer = hooks.authorizer
    restorer = hooks.restorer
    observer = hooks.observer
    events = EventLog()
    self.logger = logger
  }

  /// Whether there is no place for one more connection.
  var isFull: Bool { connectionCount.load(ordering: .relaxed) >= configuration.connectionCount }

  /// Why no new connection should be sent here; nil if they may come.
  var unreadiness: String? {
    if isDraining.load(ordering: .relaxed) { return "draining" }
    return isAcceptPaused.load(ordering: .relaxed) ? "no room for further sockets" : nil
  }

  func observe(_ event: LifecycleEvent) {
    events.append(event)
    observer?.observe(event)
  }
}

/// The application's part of a server.
struct Hooks: Sendable {
  var authenticator: any Authenticator
  var authorizer: (any RoomAuthorizer)?
  var restorer: (any Restorer)?
  var observer: (any LifecycleObserver)?
  var broker: any Broker

  var reloadable: [any ReloadableHook] {
    [authenticator, authorizer, restorer].compactMap { $0 as? any ReloadableHook }
  }
}
