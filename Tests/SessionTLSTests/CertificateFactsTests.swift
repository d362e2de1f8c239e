import Testing

import SessionTLS

struct CertificateFactsTests {
  private static func facts(_ names: [CertificateFacts.Name], _ commonName: String? = nil) -> CertificateFacts {
    CertificateFacts(subject: "", issuer: "", names: names, commonName: commonName, notBefore: 0, notAfter: 0)
  }

  @Test func aURIComesFirstAndTheCommonNameLast() {
    let names: [CertificateFacts.Name] = [
      .init(.email, "ann@example.org"), .init(.dns, "a.example.org"), .init(.uri, "spiffe://x/one"),
      .init(.uri, "spiffe://x/two"),
    ]
    #expect(Self.facts(names, "Ann").identity == "uri:spiffe://x/one")
    #expect(Self.facts(Array(names[..<2]), "Ann").identity == "dns:a.example.org")
    #expect(Self.facts(Array(names[..<1]), "Ann").identity == "email:ann@example.org")
    #expect(Self.facts([], "Ann Smith").identity == "cn:Ann Smith")
    #expect(Self.facts([]).identity == nil)
  }

  /// A name that cannot be used is no reason to take one of less weight: two certificates would pass for each other.
  @Test(arguments: ["", "a\nb", "a\u{0}b", String(repeating: "x", count: 128)])
  func namesThatCannotBeUsed(name: String) {
    #expect(Self.facts([.init(.uri, name), .init(.dns, "a.example.org")], "Ann").identity == nil)
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_795_487_467, "2026-11-24T02:31:07Z"),
    (4_102_444_799, "2099-12-31T23:59:59Z"), (-1, "1969-12-31T23:59:59Z"), (253_402_300_799, "9999-12-31T23:59:59Z"),
  ] as [(Int64, String)])
  func dates(seconds: Int64, text: String) {
    #expect(CertificateFacts.date(seconds) == text)
  }

  @Test(arguments: [(0, 10), (1, 9), (864_000, 0), (864_001, -1), (950_400, -1), (950_401, -2)] as [(Int64, Int64)])
  func daysAreRoundedDown(now: Int64, days: Int64) {
    var facts = Self.facts([])
    facts.notAfter = 864_000
    #expect(facts.daysLeft(at: now) == days)
  }
}

struct DistinguishedNamesTests {
  /// SEQUENCE { SEQUENCE { [0] version, serial, algorithm, issuer, validity, subject } }, which is all that is read.
  private static func certificate(version: [UInt8], issuer: [UInt8], subject: [UInt8]) -> [UInt8] {
    let body = version + [0x02, 1, 1] + [0x30, 0] + sequence(0x30, issuer) + [0x30, 0] + sequence(0x30, subject)
    return sequence(0x30, sequence(0x30, body))
  }

  private static func sequence(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    let length: [UInt8] = content.count < 128 ? [UInt8(content.count)]
      : content.count < 256 ? [0x81, UInt8(content.count)] : [0x82, UInt8(content.count >> 8), UInt8(content.count & 255)]
    return [tag] + length + content
  }

  private static func attribute(_ type: UInt8, _ tag: UInt8, _ value: [UInt8]) -> [UInt8] {
    sequence(0x31, sequence(0x30, [0x06, 3, 0x55, 4, type] + sequence(tag, value)))
  }

  @Test func theMostSignificantNameComesFirst() {
    let subject = Self.attribute(10, 0x0C, Array("Example".utf8)) + Self.attribute(3, 0x0C, Array("café".utf8))
    let issuer = Self.attribute(3, 0x1E, [0, 0x43, 0, 0x41])
    for version in [[], [0xA0, 3, 0x02, 1, 2]] as [[UInt8]] {
      let names = DistinguishedNames(der: Self.certificate(version: version, issuer: issuer, subject: subject))
      #expect(names?.subject == "CN=café, O=Example" && names?.commonName == "café" && names?.issuer == "CN=CA")
    }
  }

  @Test func unknownAttributesArePassedOverAndControlsShown() {
    let subject = Self.attribute(99, 0x0C, [0x41]) + Self.attribute(3, 0x0C, Array("a\u{1B}[31m".utf8))
    let names = DistinguishedNames(der: Self.certificate(version: [], issuer: [], subject: subject))
    #expect(names?.subject == "CN=a?[31m" && names?.issuer == "")
  }

  @Test func whatIsCutIsNoCertificate() {
    let whole = Self.certificate(
      version: [0xA0, 3, 0x02, 1, 2], issuer: Self.attribute(3, 0x0C, Array(repeating: 0x41, count: 300)),
      subject: Self.attribute(3, 0x0C, [0x42]))
    #expect(DistinguishedNames(der: whole)?.subject == "CN=B")
    for count in 0..<whole.count { #expect(DistinguishedNames(der: Array(whole[..<count])) == nil) }
  }
}
