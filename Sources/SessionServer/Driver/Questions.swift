import Logging
import SessionCore

/// What the shard asks becomes calls of the hooks, and an event one of its handler.
extension Services {
  /// The answer if the hook gives it without waiting.
  func answerAtOnce(_ question: Question) -> Answer? {
    switch question {
    case .authenticate(let scheme, let credential, let remote, let subject):
      guard let authenticator = authenticator as? any ImmediateAuthenticator else { return nil }
      let credentials = Credentials(scheme: scheme, secret: credential, remote: remote, verifiedSubject: subject)
      return answer("authenticator", credentials) {
        .authenticated(try authenticator.authenticateAtOnce(credentials))
      }
    case .authorizeJoin(let room, let principal, let sid):
      guard let authorizer = authorizer as? any ImmediateRoomAuthorizer else { return nil }
      return answer("room authorizer") {
        try authorizer.authorizeAtOnce(principal, toJoin: room, as: sid)
        return .authorized
      }
    case .restore: return nil
    }
  }

  func answer(_ question: Question) async -> Answer {
    switch question {
    case .authenticate(let scheme, let credential, let remote, let subject):
      let credentials = Credentials(scheme: scheme, secret: credential, remote: remote, verifiedSubject: subject)
      return await answer("authenticator", credentials) {
        .authenticated(try await self.authenticator.authenticate(credentials))
      }
    case .authorizeJoin(let room, let principal, let sid):
      return await answer("room authorizer") {
        try await self.authorizer?.authorize(principal, toJoin: room, as: sid)
        return .authorized
      }
    case .restore(let principal, let previous):
      return await answer("restorer") {
        guard let restored = try await self.restorer?.restore(principal, previous: previous) else { return .nothing }
        return .restored(state: restored.state, rooms: restored.rooms)
      }
    }
  }

  private func answer(
    _ hook: StaticString, _ credentials: Credentials? = nil, _ body: () throws -> Answer
  ) -> Answer {
    do { return try body() } catch { return judge(error, hook, credentials) }
  }

  private func answer(
    _ hook: StaticString, _ credentials: Credentials? = nil, _ body: () async throws -> Answer
  ) async -> Answer {
    do { return try await body() } catch { return judge(error, hook, credentials) }
  }

  private func judge(_ error: any Error, _ hook: StaticString, _ credentials: Credentials?) -> Answer {
    if let credentials, let reason = Services.refusalReason(error) {
      credentialRefusals.add(reason)
      logger.debug(
        "credential refused",
        metadata: ["reason": "\(reason)", "scheme": "\(credentials.scheme)", "remote": "\(credentials.remote)"])
    }
    if error is CredentialRefusal { return .refused(.authenticationFailed) }
    if let refusal = error as? ProtocolError { return .refused(refusal) }
    // The type alone: an error's text may hold what the client sent.
    logger.error("hook failed", metadata: ["hook": "\(hook)", "error": "\(type(of: error))"])
    return .nothing
  }

  private static func refusalReason(_ error: any Error) -> String? {
    switch error {
    case let refusal as CredentialRefusal: "\(refusal.reason)"
    case is ProtocolError: "other"
    default: nil
    }
  }

  /// What the event's handler answers, if it is one that does so at once.
  func serve(_ delivery: Delivery) -> HandlerOutcome? {
    guard case .immediate(let handler) = handlers[delivery.handler.rawValue] else { return nil }
    do {
      return try delivery.withSession { try handler(Event(delivery), $0) }
    } catch {
      return .failure(judge(error, delivery.event))
    }
  }

  /// Has the event handled by one that does not answer at once. The outcome goes to the mailbox.
  func begin(_ delivery: Delivery, _ token: HandlerToken, _ peer: Peer) {
    guard case .async(let handler) = handlers[delivery.handler.rawValue] else {
      preconditionFailure("\(delivery.event) has a handler that answers at once")
    }
    let (event, session) = (Event(delivery), delivery.session)
    Task {
      do {
        peer.post(.handled(token, try await handler(event, session)))
      } catch {
        peer.post(.handled(token, .failure(judge(error, event.name))))
      }
    }
  }

  /// What a client is told of an error that a handler threw.
  func judge(_ error: any Error, _ event: String) -> ProtocolError {
    if let error = error as? ProtocolError { return error }
    logger.error("handler failed", metadata: ["event": "\(event)", "error": "\(type(of: error))"])
    return .handlerFailed
  }
}
