/// Reads the fields that stand first in what the server writes, without looking at the rest.
struct Head {
  var version: UInt64 = 0
  var seq: UInt64?
  var ack: UInt64?
  /// Where `"type"` begins: from here on a message is the same for all its receivers.
  var tail = 0

  /// `{"v":2,"seq":17,"ack":42,`; nil if it does not begin so.
  init?(_ bytes: [UInt8], _ range: Range<Int>) {
    guard range.count > 8, bytes[range.lowerBound + 1] == 0x22, bytes[range.lowerBound + 2] == 0x76 else { return nil }
    var index = range.lowerBound + 5
    version = Head.number(bytes, &index)
    while index + 6 < range.upperBound, bytes[index] == 0x2C {
      if bytes[index + 2] == 0x73, bytes[index + 3] == 0x65, bytes[index + 4] == 0x71 {
        index += 7
        seq = Head.number(bytes, &index)
      } else if bytes[index + 2] == 0x61, bytes[index + 3] == 0x63, bytes[index + 4] == 0x6B {
        index += 7
        ack = Head.number(bytes, &index)
      } else {
        break
      }
    }
    tail = index + 1
  }

  @inline(__always)
  static func number(_ bytes: [UInt8], _ index: inout Int) -> UInt64 {
    var value: UInt64 = 0
    while index < bytes.count, case let digit = bytes[index] &- 0x30, digit < 10 {
      value = value &* 10 &+ UInt64(digit)
      index += 1
    }
    return value
  }

  /// Whether the type of the message, which stands at `tail`, begins with this.
  static func isType(_ bytes: [UInt8], _ tail: Int, _ name: StaticString) -> Bool {
    let start = tail + 8
    guard start + name.utf8CodeUnitCount < bytes.count else { return false }
    for position in 0..<name.utf8CodeUnitCount where bytes[start + position] != name.utf8Start[position] { return false }
    return bytes[start + name.utf8CodeUnitCount] == 0x22
  }
}

extension [UInt8] {
  /// A whole number that stands alone in the range; nil for anything else.
  func number(in range: Range<Int>) -> UInt64? {
    var index = range.lowerBound
    let value = Head.number(self, &index)
    return index == range.upperBound && !range.isEmpty ? value : nil
  }
}
