import Logging
import SessionCore
import SessionServer

/// Lifecycle events in the log: at level debug, but for what may be theft.
struct LifecycleLog: LifecycleObserver {
  let logger: Logger

  func observe(_ event: LifecycleEvent) {
    let level: Logger.Level = event.kind == .tokenReused ? .warning : .debug
    guard level >= logger.logLevel else { return }
    var metadata: Logger.Metadata = [:]
    let texts: [(String, String?)] = [
      ("sid", event.sid?.description), ("connection", event.connection?.description), ("user", event.user),
      ("room", event.room), ("reason", event.reason),
    ]
    for (name, text) in texts { if let text { metadata[name] = "\(text)" } }
    if let code = event.code { metadata["code"] = .stringConvertible(code) }
    logger.log(level: level, "\(event.kind.rawValue)", metadata: metadata)
  }
}
