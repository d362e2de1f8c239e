/// Events at the edge: what comes in is judged and made the version that the application sees; what goes out is made the
/// version that its receiver asked for. PROTOCOL.md, "Versions of events".
extension Shard {
  // MARK: In

  /// An event as the application sees it; nil if it was refused, and the message of the session that brought it is done.
  mutating func admit(
    _ name: String, _ version: UInt64, _ payload: [UInt8], _ session: Session, pathPrefix: String = ""
  ) -> (version: UInt64, payload: [UInt8])? {
    guard hasEventRules, let events = configuration.events else { return (version, payload) }
    do throws(ProtocolError) {
      return try admit(name, version, payload, events, pathPrefix)
    } catch {
      finish(session, error: error)
      return nil
    }
  }

  /// The same for the application's own command, which is answered.
  mutating func admit(
    _ name: String, _ version: UInt64, _ payload: [UInt8], _ token: CommandToken
  ) -> (version: UInt64, payload: [UInt8])? {
    guard hasEventRules, let events = configuration.events else { return (version, payload) }
    do throws(ProtocolError) {
      return try admit(name, version, payload, events, "")
    } catch {
      out.append(.answer(token, .refused(error)))
      return nil
    }
  }

  private mutating func admit(
    _ name: String, _ version: UInt64, _ payload: [UInt8], _ events: EventRules, _ pathPrefix: String
  ) throws(ProtocolError) -> (version: UInt64, payload: [UInt8]) {
    countUse(of: name, version, events)
    do throws(ProtocolError) {
      return try events.admit(name, version: version, payload, pathPrefix: pathPrefix)
    } catch {
      if error.code == "payload.invalid" { counters.payloadsRefused += 1 }
      throw error
    }
  }

  private mutating func countUse(of name: String, _ version: UInt64, _ events: EventRules) {
    guard events.hasDeprecatedEvents, let index = events.deprecationIndex(.event(name, version: version)) else { return }
    counters.countDeprecated(index)
  }

  // MARK: Out

  /// The message's tail in the version of its event that the session asked for. One that cannot be cast goes out as it
  /// is, with its own `ev`: it is never dropped.
  mutating func tail(of message: SharedMessage, for session: Session) -> [UInt8] {
    guard !session.eventVersions.isEmpty, let events = configuration.events, let tail = EventTail(message.tail),
      let version = session.eventVersions[tail.name]
    else { return message.tail }
    countUse(of: tail.name, version, events)
    let key = CastKey(message: message, version: version)
    if let cached = castCache[key] { return cached }
    var changed = message.tail
    if let payload = events.castDown(tail.payload, of: tail.name, to: version) {
      changed = tail.changed(to: version, payload: payload)
    } else {
      counters.castFailures += 1
    }
    castCache.insert(changed, for: key, keyByteCount: message.byteCount)
    return changed
  }
}
