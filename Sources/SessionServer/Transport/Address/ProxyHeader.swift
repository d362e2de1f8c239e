/// The header that a proxy puts in front of a connection to say for whom it is: the PROXY protocol, version 2
/// (haproxy.org, proxy-protocol.txt section 2.2). Version 1, which is text, is not spoken here: it says nothing more.
package struct ProxyHeader: Sendable, Equatable {
  package enum Reading: Sendable, Equatable {
    case needsMore
    case malformed(StaticString)
    /// `client` is nil if the connection is the proxy's own: a health check (`LOCAL`), or of a kind without addresses.
    case header(client: PeerAddress?, byteCount: Int)

    package static func == (left: Reading, right: Reading) -> Bool {
      switch (left, right) {
      case (.needsMore, .needsMore), (.malformed, .malformed): true
      case (.header(let a, let b), .header(let c, let d)): a == c && b == d
      default: false
      }
    }
  }

  private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
  private static let fixedByteCount = 16
  /// The most bytes behind the fixed part: addresses take 216 at most; the rest is for extensions, which are passed over.
  package static let maxRestByteCount = 4_096

  /// Reads a header from the front of `bytes`, which may hold too little of it.
  package static func read(_ bytes: some RandomAccessCollection<UInt8>) -> Reading {
    guard bytes.elementsEqual(signature.prefix(bytes.count)) || bytes.starts(with: signature) else {
      return .malformed("not a PROXY header of version 2")
    }
    guard bytes.count >= fixedByteCount else { return .needsMore }
    let head = Array(bytes.prefix(fixedByteCount))
    let restByteCount = Int(head[14]) << 8 | Int(head[15])
    guard head[12] >> 4 == 2 else { return .malformed("another version than 2") }
    guard head[12] & 0xF <= 1 else { return .malformed("unknown command") }
    guard restByteCount <= maxRestByteCount else { return .malformed("too long") }
    let isLocal = head[12] & 0xF == 0
    guard isLocal || restByteCount >= addressByteCount(head[13]) ?? .max else {
      return .malformed("an unknown family, or shorter than its addresses")
    }
    guard bytes.count >= fixedByteCount + restByteCount else { return .needsMore }
    let rest = bytes.dropFirst(fixedByteCount).prefix(restByteCount)
    return .header(client: isLocal ? nil : client(head[13], rest), byteCount: fixedByteCount + restByteCount)
  }

  /// Nil for a family or a transport that is not known.
  private static func addressByteCount(_ family: UInt8) -> Int? {
    switch family {
    case 0x00: 0
    case 0x11, 0x12: 12
    case 0x21, 0x22: 36
    case 0x31, 0x32: 216
    default: nil
    }
  }

  private static func client(_ family: UInt8, _ addresses: some Collection<UInt8>) -> PeerAddress? {
    let byteCount: Int
    switch family >> 4 {
    case 1: byteCount = 4
    case 2: byteCount = 16
    case 3: return .local
    default: return nil
    }
    let port = addresses.dropFirst(2 * byteCount).prefix(2).reduce(0) { $0 << 8 | Int($1) }
    return IPAddress(bytes: addresses.prefix(byteCount)).map { .internet($0, port: port) }
  }
}
