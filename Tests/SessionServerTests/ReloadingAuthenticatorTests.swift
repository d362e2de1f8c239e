import Glibc
import Logging
import SessionCore
import SessionServer
import Testing

@Suite("ReloadingAuthenticator")
struct ReloadingAuthenticatorTests {
  private func withAuthenticator(
    _ text: String, _ body: (ReloadingAuthenticator, String) async throws -> Void
  ) async throws {
    let path = temporaryPath()
    defer { unlink(path) }
    write(text, to: path)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    try await body(try await ReloadingAuthenticator(path, logger: logger) { try TokenFile(path: $0) }, path)
  }

  private func user(_ authenticator: ReloadingAuthenticator, _ token: String) -> String? {
    let credentials = Credentials(scheme: "token", secret: Secret(token), remote: "test")
    return (try? authenticator.authenticateAtOnce(credentials))?.user
  }

  @Test func `a change is taken at the second look`() async throws {
    try await withAuthenticator("token-of-ann ann") { authenticator, path in
      write("token-of-bob bob", to: path)
      await authenticator.reloadIfChanged()
      #expect(user(authenticator, "token-of-ann") == "ann")
      await authenticator.reloadIfChanged()
      #expect(user(authenticator, "token-of-ann") == nil && user(authenticator, "token-of-bob") == "bob")
    }
  }

  @Test func `an operator does not wait`() async throws {
    try await withAuthenticator("token-of-ann ann") { authenticator, path in
      write("token-of-bob bob", to: path)
      await authenticator.reload()
      #expect(user(authenticator, "token-of-bob") == "bob")
    }
  }

  @Test func `a bad file changes nothing, and is forgotten with the next good one`() async throws {
    try await withAuthenticator("token-of-ann ann") { authenticator, path in
      write("token-of-bob", to: path)
      await authenticator.reload()
      #expect(user(authenticator, "token-of-ann") == "ann")
      unlink(path)
      for _ in 0..<3 { await authenticator.reloadIfChanged() }
      #expect(user(authenticator, "token-of-ann") == "ann")
      write("token-of-bob bob", to: path)
      for _ in 0..<2 { await authenticator.reloadIfChanged() }
      #expect(user(authenticator, "token-of-ann") == nil && user(authenticator, "token-of-bob") == "bob")
    }
  }

  @Test func `a bad file is read once`() async throws {
    let path = temporaryPath()
    defer { unlink(path) }
    write("token-of-ann ann", to: path)
    let reads = Counter()
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let authenticator = try await ReloadingAuthenticator(path, logger: logger) {
      await reads.add()
      return try TokenFile(path: $0)
    }
    write("bad", to: path)
    for _ in 0..<5 { await authenticator.reloadIfChanged() }
    #expect(await reads.count == 2)
  }

  @Test func `a file that is not there is refused at once`() async {
    await #expect(throws: CredentialFileFault.self) {
      try await ReloadingAuthenticator("/nonexistent", logger: Logger(label: "test")) { try TokenFile(path: $0) }
    }
  }
}

private actor Counter {
  private(set) var count = 0

  func add() { count += 1 }
}
