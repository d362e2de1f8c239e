import SessionCore
import Testing

/// Whom the transport has found a client to be goes to the authenticator as it is, whatever the client says.
@Suite struct VerifiedSubjectTests {
  private func question(_ auth: String, credential: String? = nil, subject: String?) -> [String?] {
    let bench = ShardBench()
    let slot = bench.open(
      ConnectionDescription(
        transport: "bench", remote: "?", credential: credential.map { Secret($0) }, verifiedSubject: subject))
    bench.say(#"{"v":2,"type":"hello","payload":{"versions":[2]\#(auth)}}"#, slot)
    guard case .authenticate(let scheme, let secret, _, let verified)? = bench.questions.first?.question else { return [] }
    return [scheme, secret?.reveal(), verified]
  }

  @Test(arguments: [
    ("", nil, "cn:ann", ["tls", nil, "cn:ann"]), ("", nil, nil, ["none", nil, nil]),
    ("", "abc", "cn:ann", ["bearer", "abc", "cn:ann"]),
    (#","auth":{"scheme":"tls"}"#, nil, "cn:ann", ["tls", nil, "cn:ann"]),
    (#","auth":{"scheme":"tls","credential":"cn:root"}"#, nil, "cn:ann", ["tls", "cn:root", "cn:ann"]),
    (#","auth":{"scheme":"tls","credential":"cn:root"}"#, nil, nil, ["tls", "cn:root", nil]),
    (#","auth":{"scheme":"none","credential":"root"}"#, nil, "cn:ann", ["none", "root", "cn:ann"]),
    (#","auth":{"scheme":"token","credential":"t"}"#, "abc", "cn:ann", ["token", "t", "cn:ann"]),
  ] as [(String, String?, String?, [String?])])
  func theAuthenticatorIsTold(auth: String, credential: String?, subject: String?, asked: [String?]) {
    #expect(question(auth, credential: credential, subject: subject) == asked)
  }
}
