import NIOCore
import SessionCore

extension SessionClient {
  /// Asks for a new credential and connects when it is there.
  func renew(by credentials: @escaping @Sendable () async throws -> ClientSession.Auth?) {
    guard !isRenewing else { return }
    isRenewing = true
    let (client, loop) = (NIOLoopBound(self, eventLoop: loop), loop)
    Task {
      let result: Result<ClientSession.Auth?, any Error>
      do { result = .success(try await credentials()) } catch { result = .failure(error) }
      loop.execute { client.value.renewed(result) }
    }
  }

  private func renewed(_ result: Result<ClientSession.Auth?, any Error>) {
    isRenewing = false
    // It may have been stopped, or been given one by hand.
    guard case .connecting = reconnector.state, connection == nil, reconnector.needsCredential else { return }
    switch result {
    case .success(let auth):
      session.configuration.auth = auth
      reconnector.renewed()
      open()
    case .failure(let error):
      let reason = "no new credential: \(error)"
      ended(.connectFailed(reason), .connectFailed(reason))
    }
  }
}
