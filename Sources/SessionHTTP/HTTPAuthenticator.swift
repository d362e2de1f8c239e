#if HTTP
  import Logging
  import SessionCore
  import SessionServer
  import WebSocketFrames

  /// Lets a backend say who a client is. docs/BACKENDS.md, "Authentication".
  ///
  /// The credential goes in the body of a POST, never into a URL or a log.
  public struct HTTPAuthenticator: Authenticator {
    private let url: HTTPURL
    private let line: BackendLine

    /// `Limits.hookTimeoutMilliseconds` must be longer than the timeout, or the core gives up first.
    public init(
      _ url: HTTPURL, _ client: BackendClient, bounds: BackendBounds = BackendBounds(timeoutMilliseconds: 5_000),
      logger: Logger
    ) {
      self.url = url
      line = BackendLine(client, bounds, logger)
    }

    /// The backend is at fault: the client is told `server.error`, and comes again later.
    struct Failed: Error {}

    public func authenticate(_ credentials: Credentials) async throws -> Principal {
      var fields: [JSONValue.Member] = [
        .init("scheme", .string(credentials.scheme)),
        .init("credential", credentials.secret.map { .string($0.reveal()) } ?? .null),
        .init("remote", .string(credentials.remote)),
      ]
      if let subject = credentials.verifiedSubject { fields.append(.init("subject", .string(subject))) }
      let request = BackendRequest(url: url, body: JSONValue.object(fields).bytes)
      do {
        return try HTTPAuthenticator.principal(try await line.call(request))
      } catch let failure as BackendFailure {
        line.warn(request, failure.text)
      } catch let fault as JSONFields.Fault {
        line.warn(request, "\(fault)")
      }
      throw Failed()
    }

    private static func principal(_ answer: BackendAnswer) throws -> Principal {
      guard answer.status != 401, answer.status != 403 else { throw ProtocolError.authenticationFailed }
      guard answer.status == 200 else { throw JSONFields.Fault("status", "is \(answer.status)") }
      guard case .object(let all)? = try? JSONValue(parsing: answer.body) else {
        throw JSONFields.Fault("", "is no JSON object")
      }
      // Applications answer with more than we read.
      let known: Set = ["user", "permissions", "valid_for_ms"]
      let fields = try JSONFields(.object(all.filter { known.contains($0.key) }), known: known)
      return Principal(
        user: try fields.required("user"), permissions: try fields.names("permissions", count: 1_024) ?? [],
        validForMilliseconds: try fields.number("valid_for_ms"))
    }
  }
#endif
