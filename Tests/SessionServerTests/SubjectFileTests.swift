import SessionCore
import SessionServer
import Testing

@Suite("SubjectFile")
struct SubjectFileTests {
  private func load(_ text: String) throws -> SubjectFile {
    // Its subjects are no secret.
    try withTemporaryFile(text, mode: 0o644) { try SubjectFile(path: $0) }
  }

  private func principal(_ file: any ImmediateAuthenticator, _ subject: String?, scheme: String = "tls") -> Principal? {
    try? file.authenticateAtOnce(
      Credentials(scheme: scheme, secret: Secret("dns:b.example.org"), remote: "test", verifiedSubject: subject))
  }

  @Test func `a subject names its user and permissions`() throws {
    let file = try load("# x\nuri:spiffe://x/Ann ann join:lobby\ndns:B.example.org bob\ncn:Ann%20Smith smith\n")
    #expect(principal(file, "uri:spiffe://x/Ann") == Principal(user: "ann", permissions: ["join:lobby"]))
    #expect(principal(file, "uri:spiffe://x/ann") == nil)
    #expect(principal(file, "dns:b.EXAMPLE.org") == Principal(user: "bob", permissions: ["*"]))
    #expect(principal(file, "cn:Ann Smith")?.user == "smith")
    #expect(principal(file, "cn:dns:b.example.org") == nil)
  }

  @Test(arguments: ["none", "bearer", "token"])
  func `only the certificate counts`(_ scheme: String) throws {
    for file in [try load("dns:b.example.org bob\n"), SubjectAuthenticator()] as [any ImmediateAuthenticator] {
      #expect(principal(file, nil) == nil)
      #expect(principal(file, "dns:b.example.org") != nil)
      #expect(principal(file, "dns:b.example.org", scheme: scheme) == nil)
    }
  }

  @Test func `a refusal has a reason`() throws {
    let file = try load("dns:b.example.org bob\n")
    for (subject, reason) in [(nil, "missing"), ("cn:x", "unknown")] as [(String?, String)] {
      let refusal = #expect(throws: CredentialRefusal.self) {
        try file.authenticateAtOnce(Credentials(scheme: "tls", secret: nil, remote: "test", verifiedSubject: subject))
      }
      #expect("\(refusal?.reason ?? "")" == reason)
    }
  }

  @Test func `a file that everyone can write is refused`() {
    let fault = #expect(throws: CredentialFileFault.self) {
      try withTemporaryFile("cn:a a\n", mode: 0o646) { try SubjectFile(path: $0) }
    }
    #expect(fault?.description.contains("chmod o-w") == true)
  }
}
