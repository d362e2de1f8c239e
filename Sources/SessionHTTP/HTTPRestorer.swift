#if HTTP
  import Logging
  import SessionCore
  import SessionServer
  import WebSocketFrames

  /// Asks a backend what it still knows of a session that is gone. docs/BACKENDS.md, "Restoring".
  public struct HTTPRestorer: Restorer {
    private let url: HTTPURL
    private let line: BackendLine
    private let limits: Limits

    /// `Limits.hookTimeoutMilliseconds` must be longer than the timeout, or the core gives up first.
    public init(
      _ url: HTTPURL, _ client: BackendClient, bounds: BackendBounds = BackendBounds(timeoutMilliseconds: 5_000),
      limits: Limits = Limits(), logger: Logger
    ) {
      self.url = url
      self.limits = limits
      line = BackendLine(client, bounds, logger)
    }

    public func restore(_ principal: Principal, previous: SessionID) async throws -> RestoredSession? {
      let body = JSONValue.object([
        .init("session", .string(previous.description)), .init("user", .string(principal.user)),
        .init("permissions", .array(principal.permissions.map { .string($0) })),
      ])
      let request = BackendRequest(url: url, body: body.bytes, idempotencyKey: "\(previous):restore")
      do {
        return try restored(try await line.call(request))
      } catch let failure as BackendFailure {
        line.warn(request, failure.text)
      } catch let fault as JSONFields.Fault {
        line.warn(request, "\(fault)")
      }
      return nil
    }

    private func restored(_ answer: BackendAnswer) throws(JSONFields.Fault) -> RestoredSession? {
      guard answer.status != 204, answer.status != 404 else { return nil }
      guard answer.status == 200 else { throw JSONFields.Fault("status", "is \(answer.status)") }
      let fields = try JSONFields(parsing: answer.body, known: ["state", "rooms"])
      let state = fields.value("state")?.bytes
      guard state?.count ?? 0 <= limits.stateByteCount else {
        throw JSONFields.Fault("state", "is longer than \(limits.stateByteCount) bytes")
      }
      return RestoredSession(state: state, rooms: try fields.names("rooms", count: limits.roomsPerSession) ?? [])
    }
  }
#endif
