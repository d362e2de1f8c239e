import SessionCore

/// Rules for events, whoever takes them: before the start.
extension SessionServer {
  /// Registers a step between two versions of an event's payload. Handlers, rooms and rules for payloads see the newest
  /// version only: what comes in an older one is cast up, what goes to a client that understands no newer one is cast
  /// down. Steps form one chain without a hole; both ways are pure and fast, for they run on the event loop.
  ///
  ///     server.cast("chat.send", from: 1, to: 2, up: { ["text": $0] }, down: { $0["text"] ?? "" })
  ///
  /// An `up` that throws makes the payload invalid: the sender gets `payload.invalid`, with the text and the path of a
  /// `ProtocolError` that was thrown. If `down` throws, the receiver gets the newest version with its `ev`.
  public func cast(
    _ event: String, from: UInt64, to: UInt64, up: @escaping Cast.Change, down: @escaping Cast.Change
  ) {
    build { $0.events.add(Cast(from: from, to: to, up: up, down: down), to: event) }
  }

  /// Has every payload judged that has a rule: of clients' events before a handler or a room sees them, of what the
  /// server itself publishes and sends too.
  /// - Parameter isStrict: events without a rule are refused with `event.unknown`, but for the built-in ones.
  public func check(with rules: any PayloadRules, isStrict: Bool = false) {
    build { table in
      table.events.payloads = rules
      table.events.isStrict = isStrict
    }
  }

  /// Announces that a version will be removed, in `welcome.deprecations`, and counts its use. At most
  /// `EventRules.maxDeprecationCount`, each subject once.
  public func deprecate(_ deprecation: Deprecation) { build { $0.events.add(deprecation) } }

  func exemptFromRules(_ events: Set<String>) { build { $0.events.exempt.formUnion(events) } }
}
