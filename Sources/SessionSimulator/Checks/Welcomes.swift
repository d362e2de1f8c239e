/// Finds members in what the server writes without reading the rest: `"gen":3`. Of several with the same name the first
/// counts, and those that are asked for stand in front of what others have said.
enum Welcomes {
  static func text(_ bytes: [UInt8], _ range: Range<Int>, _ key: StaticString) -> String? {
    guard let start = value(bytes, range, key), bytes[start] == 0x22 else { return nil }
    var end = start + 1
    while end < range.upperBound, bytes[end] != 0x22 { end += 1 }
    return String(decoding: bytes[start + 1..<end], as: UTF8.self)
  }

  static func number(_ bytes: [UInt8], _ range: Range<Int>, _ key: StaticString) -> UInt64? {
    guard var start = value(bytes, range, key), bytes[start] &- 0x30 < 10 else { return nil }
    return Head.number(bytes, &start)
  }

  static func isTrue(_ bytes: [UInt8], _ range: Range<Int>, _ key: StaticString) -> Bool {
    value(bytes, range, key).map { bytes[$0] == 0x74 } ?? false
  }

  /// Where the value of `"key":` begins.
  private static func value(_ bytes: [UInt8], _ range: Range<Int>, _ key: StaticString) -> Int? {
    let count = key.utf8CodeUnitCount
    var index = range.lowerBound
    while index + count + 3 < range.upperBound {
      guard bytes[index] == 0x22, bytes[index + 1 + count] == 0x22, bytes[index + 2 + count] == 0x3A,
        isEqual(bytes, index + 1, key)
      else {
        index += 1
        continue
      }
      return index + count + 3
    }
    return nil
  }

  private static func isEqual(_ bytes: [UInt8], _ start: Int, _ key: StaticString) -> Bool {
    for position in 0..<key.utf8CodeUnitCount where bytes[start + position] != key.utf8Start[position] { return false }
    return true
  }
}
