/// What stands in front of a message and differs for each receiver: `{"v":2,"seq":17,"ack":42,`. It is kept as it is
/// written, since that of the next message of a batch mostly differs in one digit.
package struct MessageHead {
  /// With three numbers.
  private static let maxByteCount = 6 + 7 + 7 + 15 + 3 * Decimal.maxDigitCount
  /// Where one is put there must be room for so many bytes; what is behind the head is in the place of what is put next.
  static let roomByteCount = 6 * pieceByteCount
  private static let pieceByteCount = 16
  private static let historyMark: StaticString = ",\"history\":true"

  private let version: UInt64
  private var seq: UInt64?
  private let ack: UInt64?
  private var isHistory: Bool
  /// `byteCount` bytes of it, and behind them what means nothing.
  private var pieces = (SIMD16<UInt8>(), SIMD16<UInt8>(), SIMD16<UInt8>(), SIMD16<UInt8>(), SIMD16<UInt8>(), SIMD16<UInt8>())
  /// Known before it is written, so that a transport can be asked for room for its own header.
  package private(set) var byteCount = 0
  /// Where the last digit of `seq` stands.
  private var lastDigitPlace = 0

  package init(version: UInt64, seq: UInt64?, ack: UInt64?, isHistory: Bool = false) {
    (self.version, self.seq, self.ack, self.isHistory) = (version, seq, ack, isHistory)
    write()
  }

  /// One that is to be numbered before it is put: it is written then.
  package init(numberedIn version: UInt64, ack: UInt64) {
    (self.version, seq, self.ack, isHistory) = (version, nil, ack, false)
  }

  /// Becomes that of the message with this number.
  @inline(__always) package mutating func number(_ seq: UInt64, isHistory: Bool) {
    let isNext = self.seq == seq &- 1 && self.isHistory == isHistory
    self.seq = seq
    guard isNext, increaseLastDigit() else {
      self.isHistory = isHistory
      return write()
    }
  }

  /// False if it is a 9.
  @inline(__always) private mutating func increaseLastDigit() -> Bool {
    let place = lastDigitPlace
    return withUnsafeMutableBytes(of: &pieces) { bytes in
      guard bytes[place] < 0x39 else { return false }
      bytes[place] &+= 1
      return true
    }
  }

  /// Puts `byteCount` bytes.
  @inline(__always) func put(_ message: inout ByteCursor) {
    message.set(pieces.0, at: 0)
    message.set(pieces.1, at: MessageHead.pieceByteCount)
    message.set(pieces.2, at: 2 * MessageHead.pieceByteCount)
    if byteCount > 3 * MessageHead.pieceByteCount {
      message.set(pieces.3, at: 3 * MessageHead.pieceByteCount)
      message.set(pieces.4, at: 4 * MessageHead.pieceByteCount)
      message.set(pieces.5, at: 5 * MessageHead.pieceByteCount)
    }
    message.skip(byteCount)
  }

  package func append(to bytes: inout [UInt8]) {
    bytes.append(addingCapacity: MessageHead.roomByteCount) { (message: inout OutputSpan<UInt8>) in
      message.append(atMost: MessageHead.roomByteCount) { put(&$0) }
    }
  }

  @inline(never) private mutating func write() {
    let (version, seq, ack, isHistory) = (Decimal(version), seq.map { Decimal($0) }, ack.map { Decimal($0) }, isHistory)
    (byteCount, lastDigitPlace) = withUnsafeMutableBytes(of: &pieces) { bytes in
      // Proof that there is room: `maxByteCount` is what all of this takes, and a number is put into room for the longest.
      precondition(bytes.count >= MessageHead.maxByteCount)
      var lastDigitPlace = 0
      let byteCount = ByteCursor.write(to: bytes) { head in
        head.put("{\"v\":")
        head.put(version)
        if let seq {
          head.put(",\"seq\":")
          head.put(seq)
          lastDigitPlace = 6 &+ version.digitCount &+ 6 &+ seq.digitCount &- 1
        }
        if let ack {
          head.put(",\"ack\":")
          head.put(ack)
        }
        if isHistory { head.put(MessageHead.historyMark) }
        head.put(",")
      }
      return (byteCount, lastDigitPlace)
    }
  }
}
