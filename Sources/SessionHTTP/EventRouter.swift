#if HTTP
  import Logging
  import SessionCore
  import SessionServer
  import WebSocketFrames

  /// Lets backends handle events: each becomes one POST, and the answer to it is the event's outcome.
  /// docs/BACKENDS.md, "Events".
  public struct EventRouter: Sendable {
    private let line: BackendLine

    /// All routes together keep to the bounds. `Limits.handlerTimeoutMilliseconds` must be longer than their timeout, or
    /// the core gives up first.
    public init(_ client: BackendClient, bounds: BackendBounds = BackendBounds(), logger: Logger) {
      line = BackendLine(client, bounds, logger)
    }

    public func handle(_ event: Event, _ session: SessionContext, at url: HTTPURL) async throws -> HandlerOutcome {
      let key = event.idempotencyKey(in: session)
      let request = BackendRequest(url: url, body: EventRouter.body(event, session, key), idempotencyKey: key)
      let metadata: Logger.Metadata = ["event": "\(event.name)", "sid": "\(session.sid)"]
      do {
        let answer = try await line.call(request)
        return try RouteAnswer.outcome(answer, wantsReply: event.id != nil)
      } catch let failure as BackendFailure {
        line.warn(request, failure.text, metadata)
        return .failure(EventRouter.error(failure))
      } catch let fault as RouteAnswer.Fault {
        line.warn(request, fault.reason, metadata)
        return .failure(ProtocolError("handler.failed", "the backend's answer cannot be used", retry: fault.retry))
      }
    }

    /// What the client learns. Only where nothing was sent is it told that nothing happened.
    private static func error(_ failure: BackendFailure) -> ProtocolError {
      switch failure {
      case .busy:
        ProtocolError(
          "server.busy", "the backend has all the events it can take; this one was not processed", retry: .later,
          retryAfterMilliseconds: 1_000)
      case .unreachable: RouteAnswer.unavailable(1_000)
      case .late:
        ProtocolError(
          "handler.timeout", "the backend did not answer in time; whether it processed the event is not known",
          retry: .later)
      case .broken:
        ProtocolError(
          "handler.failed", "the backend gave no answer; whether it processed the event is not known", retry: .later)
      case .answerTooLong: ProtocolError("handler.failed", "the backend's answer is too long")
      }
    }

    private static func body(_ event: Event, _ session: SessionContext, _ key: String) -> [UInt8] {
      var members: [JSONValue.Member] = [
        .init("event", .string(event.name)), .init("ev", .int(event.version)), .init("id", .string(key)),
        .init("session", .string(session.sid.description)), .init("user", .string(session.principal.user)),
        .init("permissions", .array(session.principal.permissions.map { .string($0) })),
      ]
      if let id = event.id { members.append(.init("client_id", .string(id))) }
      if let room = event.room { members.append(.init("room", .string(room))) }
      var bytes = JSONValue.object(members).bytes
      bytes.removeLast()
      bytes.reserveCapacity(bytes.count + event.payload.count + (session.state?.count ?? 0) + 32)
      if let state = session.state { bytes += Array(#","state":"#.utf8) + state }
      bytes += Array(#","payload":"#.utf8)
      bytes += event.payload.isEmpty ? Array("{}".utf8) : event.payload
      bytes.append(UInt8(ascii: "}"))
      return bytes
    }
  }

  extension SessionServer {
    /// Sends every event that fits the pattern to a backend.
    public func route(_ pattern: EventPattern, to url: HTTPURL, through router: EventRouter) {
      onAsync(matching: pattern) { event, session in try await router.handle(event, session, at: url) }
    }
  }
#endif
