import Glibc
import SessionCore
import SessionServer
import Testing

@Suite("APIKeyFile")
struct APIKeyFileTests {
  /// printf %s 8b1f…key | sha256sum
  private static let key = "8b1f0f3a5c9d4e7b-key"
  private static let hash = "sha256:" + hex(SHA256.digest(Array(key.utf8)))

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
  }

  private func load(_ text: String, mode: mode_t = 0o600) throws -> APIKeyFile {
    try withTemporaryFile(text, mode: mode) { try APIKeyFile(path: $0) }
  }

  private func user(_ file: APIKeyFile, _ key: String?, scheme: String = "api-key") -> Principal? {
    try? file.authenticateAtOnce(Credentials(scheme: scheme, secret: key.map(Secret.init), remote: "test"))
  }

  @Test func `a key is known by its hash`() throws {
    let file = try load("# keys\nci-1 \(APIKeyFileTests.hash) builder event:build.* publish:log\n")
    let builder = Principal(user: "builder", permissions: ["event:build.*", "publish:log"])
    #expect(user(file, APIKeyFileTests.key) == builder)
    #expect(user(file, APIKeyFileTests.key, scheme: "bearer") == builder)
    #expect(user(file, APIKeyFileTests.key, scheme: "token") == nil)
    for wrong in [nil, "", "ci-1", APIKeyFileTests.hash, APIKeyFileTests.key + "\n"] { #expect(user(file, wrong) == nil) }
    #expect(user(try load("ci-1 \(APIKeyFileTests.hash.uppercased().replacing("SHA256", with: "sha256")) ann"), APIKeyFileTests.key) != nil)
  }

  @Test(arguments: [
    ("ci-1\n", 1), ("# x\nci-1 \(APIKeyFileTests.hash)\n", 2), ("ci-1 \(APIKeyFileTests.key) ann\n", 1),
    ("ci-1 sha256:00 ann\n", 1), ("ci/1 \(APIKeyFileTests.hash) ann\n", 1),
    ("ci-1 \(APIKeyFileTests.hash) ann fly\n", 1),
    ("ci-1 \(APIKeyFileTests.hash) ann\nci-2 \(APIKeyFileTests.hash) bob\n", 2),
    ("ci-1 \(APIKeyFileTests.hash) ann\nci-1 sha256:\(String(repeating: "0", count: 64)) bob\n", 2),
  ])
  func `a bad line is named without its key`(_ text: String, _ line: Int) throws {
    let fault = #expect(throws: CredentialFileFault.self) { try load(text) }
    let description = fault?.description ?? ""
    #expect(description.contains(":\(line): "))
    #expect(!description.contains(APIKeyFileTests.key))
  }

  @Test func `a file for everyone, or without keys, is refused`() {
    #expect(throws: CredentialFileFault.self) { try load("ci-1 \(APIKeyFileTests.hash) ann", mode: 0o644) }
    #expect(throws: CredentialFileFault.self) { try load("# nobody\n") }
  }
}
