/// Issuer and subject out of a certificate's bytes (RFC 5280 section 4.1). Only for showing: what is trusted is decided
/// by the TLS library, which does not tell these names.
package struct DistinguishedNames: Equatable, Sendable {
  package var issuer = ""
  package var subject = ""
  /// The subject's most significant common name.
  package var commonName: String?

  /// Nil if the bytes are no certificate.
  package init?(der: [UInt8]) {
    var outer = DERReader(der[...])
    guard var certificate = outer.enter(0x30), var body = certificate.enter(0x30) else { return nil }
    // The version stands there if it is not 1; then come serial number and signature algorithm.
    if body.nextTag == 0xA0 { guard body.skip() else { return nil } }
    guard body.skip(), body.skip(), let issuer = body.enter(0x30), body.skip(), let subject = body.enter(0x30) else {
      return nil
    }
    guard let issued = DistinguishedNames.parts(issuer), let own = DistinguishedNames.parts(subject) else { return nil }
    self.issuer = DistinguishedNames.text(issued)
    self.subject = DistinguishedNames.text(own)
    commonName = own.last { $0.name == "CN" }?.value
  }

  private static let attributes: [[UInt8]: String] = [
    [0x55, 4, 3]: "CN", [0x55, 4, 6]: "C", [0x55, 4, 7]: "L", [0x55, 4, 8]: "ST", [0x55, 4, 10]: "O",
    [0x55, 4, 11]: "OU",
  ]

  private static func parts(_ name: DERReader) -> [(name: String, value: String)]? {
    var name = name
    var parts: [(name: String, value: String)] = []
    while !name.isAtEnd {
      guard var set = name.enter(0x31) else { return nil }
      while !set.isAtEnd {
        guard var pair = set.enter(0x30), let type = pair.take(0x06), let tag = pair.nextTag, let value = pair.take(tag)
        else { return nil }
        // Attributes of other kinds are rare, and names enough are left.
        guard let known = attributes[Array(type)] else { continue }
        parts.append((known, string(value, tag)))
      }
    }
    return parts
  }

  private static func string(_ bytes: ArraySlice<UInt8>, _ tag: UInt8) -> String {
    guard tag == 0x1E else { return String(decoding: bytes, as: UTF8.self) }
    // BMPString: two bytes a character.
    let units = stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map {
      UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
    }
    return String(decoding: units, as: UTF16.self)
  }

  /// The most significant first, as people read it.
  private static func text(_ parts: [(name: String, value: String)]) -> String {
    parts.reversed().map { part in
      let value = part.value.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : String($0) }.joined()
      return "\(part.name)=\(value)"
    }.joined(separator: ", ")
  }
}

/// Reads definite lengths and short tags, which is all that a certificate has.
struct DERReader {
  private var bytes: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

  var isAtEnd: Bool { bytes.isEmpty }
  var nextTag: UInt8? { bytes.first }

  /// The content of the next value, if it has this tag.
  mutating func take(_ tag: UInt8) -> ArraySlice<UInt8>? {
    guard bytes.first == tag, let length = length(), bytes.count - length.header >= length.content else { return nil }
    let start = bytes.startIndex + length.header
    let content = bytes[start..<start + length.content]
    bytes = bytes[(start + length.content)...]
    return content
  }

  mutating func enter(_ tag: UInt8) -> DERReader? { take(tag).map { DERReader($0) } }

  mutating func skip() -> Bool { nextTag.map { take($0) != nil } ?? false }

  private func length() -> (header: Int, content: Int)? {
    guard bytes.count >= 2 else { return nil }
    let first = bytes[bytes.startIndex + 1]
    guard first >= 0x80 else { return (2, Int(first)) }
    let count = Int(first & 0x7F)
    guard 1...4 ~= count, bytes.count >= 2 + count else { return nil }
    let digits = bytes[(bytes.startIndex + 2)..<(bytes.startIndex + 2 + count)]
    return (2 + count, digits.reduce(0) { $0 << 8 | Int($1) })
  }
}
