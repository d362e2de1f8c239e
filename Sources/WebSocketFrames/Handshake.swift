/// The proof of RFC 6455 section 4.2.2 that both ends mean WebSocket.
public enum Handshake {
  private static let suffix = Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)

  /// `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`.
  public static func accept(forKey key: String) -> String {
    Base64.encode(SHA1.digest(Array(key.utf8) + suffix))
  }

  /// Whether `key` is what section 4.1 asks for: 16 bytes in base64, so 24 characters of which two are padding.
  public static func isWellFormed(key: String) -> Bool {
    let bytes = Array(key.utf8)
    return bytes.count == 24 && bytes[22] == 0x3D && bytes[23] == 0x3D
      && bytes[..<22].allSatisfy(Base64.contains)
  }

  /// The key of a client's request from its 16 random bytes (section 4.1, step 7).
  public static func key(from random: [UInt8]) -> String {
    precondition(random.count == 16, "a handshake key is made of 16 bytes")
    return Base64.encode(random)
  }
}

/// Base64 with padding: RFC 4648 section 4.
enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func contains(_ byte: UInt8) -> Bool { Grammar.isAlphanumeric(byte) || byte == 0x2B || byte == 0x2F }

  static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var bits: UInt32 = 0
      for byte in group { bits = bits << 8 | UInt32(byte) }
      bits <<= UInt32(8 * (3 - group.count))
      for position in 0..<4 {
        let isPadding = position > group.count
        text.append(isPadding ? 0x3D : alphabet[Int(bits >> UInt32(18 - 6 * position)) & 63])
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
