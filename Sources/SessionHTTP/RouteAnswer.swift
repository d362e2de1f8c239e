#if HTTP
  import SessionCore
  import SessionServer

  /// What a backend's answer to an event makes happen: docs/BACKENDS.md, "Events".
  enum RouteAnswer {
    /// The type of an answer that says what is to happen; any other JSON is the reply itself.
    static let outcomeType = "application/vnd.wscore.outcome+json"

    /// An answer that cannot be used; the client learns `handler.failed`.
    struct Fault: Error {
      /// For the log.
      var reason: String
      var retry = RetryAdvice.never
    }

    /// - Throws: `ProtocolError` for the client.
    static func outcome(_ answer: BackendAnswer, wantsReply: Bool) throws(Fault) -> HandlerOutcome {
      switch answer.status {
      case 200...299: return try success(answer, wantsReply)
      case 400...499: return .failure(try refusal(answer))
      case 503:
        guard let pause = answer.retryAfterMilliseconds else { throw Fault(reason: "status 503", retry: .later) }
        return .failure(unavailable(pause))
      case 500...599: throw Fault(reason: "status \(answer.status)", retry: .later)
      case 300...399: throw Fault(reason: "status \(answer.status); redirects are not followed")
      default: throw Fault(reason: "status \(answer.status)")
      }
    }

    static func unavailable(_ pauseMilliseconds: UInt64) -> ProtocolError {
      ProtocolError(
        "handler.unavailable", "the backend cannot be reached; the event was not processed", retry: .later,
        retryAfterMilliseconds: pauseMilliseconds)
    }

    private static func success(_ answer: BackendAnswer, _ wantsReply: Bool) throws(Fault) -> HandlerOutcome {
      let nothing: HandlerOutcome = wantsReply ? .reply(Array("null".utf8)) : .done
      guard !answer.body.isEmpty else { return nothing }
      if answer.contentType == outcomeType {
        do throws(JSONFields.Fault) {
          return try outcome(JSONFields(parsing: answer.body, known: members)) ?? nothing
        } catch {
          throw Fault(reason: "\(error)")
        }
      }
      // One level less than an envelope has: the payload stands in it.
      let wrapped = [UInt8(ascii: "[")] + answer.body + [UInt8(ascii: "]")]
      guard let value = try? JSONValue(parsing: wrapped), value.arrayValue?.count == 1 else {
        throw Fault(reason: "the body is not JSON")
      }
      return .reply(answer.body)
    }

    // MARK: The envelope of outcomes

    private static let members: Set = ["reply", "publish", "direct", "state", "error"]

    /// Nil for an empty object.
    private static func outcome(_ fields: JSONFields) throws(JSONFields.Fault) -> HandlerOutcome? {
      let present = members.filter { (try? fields.payload($0)) != nil }
      guard present.count <= 1 else { throw JSONFields.Fault("", "asks for more than one outcome") }
      guard let name = present.first else { return nil }
      let payload = try fields.payload(name)
      guard let value = fields.value(name) else {
        guard name == "reply" || name == "state" else { throw JSONFields.Fault(name, "is null") }
        return name == "reply" ? .reply(payload) : .setState(payload)
      }
      switch name {
      case "publish": return try publish(value)
      case "direct": return try direct(value)
      case "state": return .setState(payload)
      case "error": return .failure(try error(value))
      default: return .reply(payload)
      }
    }

    private static func publish(_ value: JSONValue) throws(JSONFields.Fault) -> HandlerOutcome {
      let fields = try JSONFields(value, at: "publish", known: ["room", "event", "ev", "payload"])
      return .publish(
        room: try fields.required("room"), event: try fields.eventName(), eventVersion: try fields.eventVersion(),
        payload: try fields.payload())
    }

    private static func direct(_ value: JSONValue) throws(JSONFields.Fault) -> HandlerOutcome {
      let fields = try JSONFields(value, at: "direct", known: ["session", "user", "event", "ev", "payload"])
      return .direct(
        try fields.target(), event: try fields.eventName(), eventVersion: try fields.eventVersion(),
        payload: try fields.payload())
    }

    // MARK: Refusals

    private static func refusal(_ answer: BackendAnswer) throws(Fault) -> ProtocolError {
      guard let value = try? JSONValue(parsing: answer.body), value.isObject, value["code"] != nil else {
        throw Fault(reason: "status \(answer.status)")
      }
      do throws(JSONFields.Fault) {
        var error = try error(value, at: "")
        if error.retryAfterMilliseconds == nil, error.retry == .later {
          error.retryAfterMilliseconds = answer.retryAfterMilliseconds
        }
        return error
      } catch {
        throw Fault(reason: "status \(answer.status): \(error)")
      }
    }

    private static func error(_ value: JSONValue, at path: String = "error") throws(JSONFields.Fault) -> ProtocolError {
      // Applications answer with more than we read.
      guard case .object(let all) = value else { throw JSONFields.Fault(path, "is not an object") }
      let known: Set = ["code", "message", "retry", "retry_after_ms"]
      let fields = try JSONFields(.object(all.filter { known.contains($0.key) }), at: path, known: known)
      let code = try fields.required("code")
      guard EventPattern(code) == .name(code) else {
        throw JSONFields.Fault(fields.place("code"), "is no dotted name like order.closed")
      }
      let message = try fields.string("message", maxByteCount: 1_024) ?? code
      let pause = try fields.number("retry_after_ms")
      var retry = RetryAdvice.never
      if let text = try fields.name("retry") {
        guard let known = RetryAdvice(rawValue: text) else {
          throw JSONFields.Fault(fields.place("retry"), "is not never, same, later or reauth")
        }
        retry = known
      } else if pause != nil {
        retry = .later
      }
      return ProtocolError(code, message, retry: retry, retryAfterMilliseconds: retry == .later ? pause : nil)
    }
  }
#endif
