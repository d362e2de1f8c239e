import Glibc
import SessionCore
import SessionServer
import Testing

@Suite("TokenFile")
struct TokenFileTests {
  private func load(_ text: String, mode: mode_t = 0o600) throws -> TokenFile {
    try withTemporaryFile(text, mode: mode) { try TokenFile(path: $0) }
  }

  private func principal(_ file: TokenFile, _ token: String?, scheme: String = "token") -> Principal? {
    try? file.authenticateAtOnce(Credentials(scheme: scheme, secret: token.map(Secret.init), remote: "test"))
  }

  @Test func `a token names its user and permissions`() throws {
    let file = try load("# comment\n\n  token-of-ann   ann  join:lobby join:team-*\r\ntoken-of-bob bob\n")
    #expect(principal(file, "token-of-ann") == Principal(user: "ann", permissions: ["join:lobby", "join:team-*"]))
    #expect(principal(file, "token-of-bob", scheme: "bearer") == Principal(user: "bob", permissions: ["*"]))
    #expect(principal(file, "token-of-bobby") == nil)
    #expect(principal(file, "") == nil)
    #expect(principal(file, nil) == nil)
    #expect(principal(file, "token-of-bob", scheme: "none") == nil)
  }

  @Test func `a wrong credential is refused with a reason`() throws {
    let file = try load("token-of-ann ann\n")
    let refusal = #expect(throws: CredentialRefusal.self) {
      try file.authenticateAtOnce(Credentials(scheme: "token", secret: Secret("wrong"), remote: "test"))
    }
    #expect("\(refusal?.reason ?? "")" == "unknown")
  }

  @Test(arguments: [
    ("token-of-ann\n", 1), ("# x\nshort ann\n", 2), ("token-of-ann ann fly\n", 1), ("token-of-ann ann join:\n", 1),
    ("token-of-ann ann\ntoken-of-ann bob\n", 2),
  ])
  func `a bad line is named without its token`(_ text: String, _ line: Int) throws {
    let fault = #expect(throws: CredentialFileFault.self) { try load(text) }
    let description = fault?.description ?? ""
    #expect(description.contains(":\(line): "))
    #expect(!description.contains("token-of-ann"))
  }

  @Test func `a file that everyone can read is refused`() throws {
    let fault = #expect(throws: CredentialFileFault.self) { try load("token-of-ann ann\n", mode: 0o644) }
    #expect(fault?.description.contains("chmod 600") == true)
  }

  @Test func `a file without tokens, or none at all, is refused`() throws {
    #expect(throws: CredentialFileFault.self) { try load("# nobody\n") }
    #expect(throws: CredentialFileFault.self) { try TokenFile(path: "/nonexistent/tokens") }
  }
}
