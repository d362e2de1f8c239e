import SessionCore

/// What a load message carries: `{"s":12,"n":3,"t":1500000,"a":1500210,"p":"…"}`.
package struct LoadPayload: Equatable, Sendable {
  /// Index of the sending session.
  package var sender: Int
  /// Counts the sender's messages from 1.
  package var number: UInt32
  /// When it was due, in nanoseconds of the monotonic clock.
  package var intended: UInt64
  /// When it was handed to the client, on the same clock.
  package var handed: UInt64

  package init(sender: Int, number: UInt32, intended: UInt64, handed: UInt64) {
    (self.sender, self.number) = (sender, number)
    (self.intended, self.handed) = (intended, handed)
  }

  /// The JSON text, padded to `byteCount` bytes if it is shorter.
  package func bytes(byteCount: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(max(byteCount, 96))
    for (index, value) in [UInt64(sender), UInt64(number), intended, handed].enumerated() {
      bytes.append(contentsOf: LoadPayload.keys[index])
      LoadPayload.append(value, to: &bytes)
    }
    bytes.append(contentsOf: LoadPayload.padKey)
    let padding = byteCount - bytes.count - LoadPayload.end.count
    if padding > 0 { bytes.append(contentsOf: repeatElement(UInt8(ascii: "x"), count: padding)) }
    bytes.append(contentsOf: LoadPayload.end)
    return bytes
  }

  /// Reads what `bytes` wrote. A server may spell it in another way, with blanks for example. Nil if it is anything else.
  /// - Parameters:
  ///   - byteCount: as long as it was made.
  ///   - isWhole: becomes whether the padding is what it was.
  package init?(scanning bytes: Span<UInt8>, byteCount: Int, isWhole: inout Bool) {
    var end = 0
    if let values = LoadPayload.scan(bytes, &end), LoadPayload.isPadding(bytes, from: end, byteCount) {
      isWhole = true
      self.init(values)
      return
    }
    guard let json = try? JSONValue(parsing: bytes), let values = LoadPayload.values(json) else { return nil }
    self.init(values)
    isWhole = json["p"]?.stringValue?.utf8.elementsEqual(padding(byteCount)) == true
  }

  private init?(_ values: InlineArray<4, UInt64>) {
    guard values[0] <= UInt64(UInt32.max), let number = UInt32(exactly: values[1]) else { return nil }
    self.init(sender: Int(values[0]), number: number, intended: values[2], handed: values[3])
  }

  private func padding(_ byteCount: Int) -> Repeated<UInt8> {
    let unpadded = bytes(byteCount: 0).count
    return repeatElement(UInt8(ascii: "x"), count: max(0, byteCount - unpadded))
  }

  /// Whether what stands behind the numbers is the padding, as it was written.
  private static func isPadding(_ bytes: Span<UInt8>, from start: Int, _ byteCount: Int) -> Bool {
    let padded = start + padKey.count..<max(start + padKey.count, byteCount - end.count)
    guard bytes.count == padded.upperBound + end.count else { return false }
    var difference: UInt8 = 0
    for (offset, byte) in padKey.enumerated() { difference |= bytes[start + offset] ^ byte }
    for index in padded { difference |= bytes[index] ^ UInt8(ascii: "x") }
    for (offset, byte) in end.enumerated() { difference |= bytes[padded.upperBound + offset] ^ byte }
    return difference == 0
  }

  private static func scan(_ bytes: Span<UInt8>, _ index: inout Int) -> InlineArray<4, UInt64>? {
    guard let sender = scan(0, bytes, &index), let number = scan(1, bytes, &index), let intended = scan(2, bytes, &index),
      let handed = scan(3, bytes, &index)
    else { return nil }
    return [sender, number, intended, handed]
  }

  private static func values(_ json: JSONValue) -> InlineArray<4, UInt64>? {
    // As many digits as `scan` takes, which are more than `unsignedValue` does.
    func value(_ key: String) -> UInt64? {
      guard case .number(let text)? = json[key], text.utf8.count <= 18 else { return nil }
      return UInt64(text)
    }
    guard let sender = value("s"), let number = value("n"), let intended = value("t"), let handed = value("a") else { return nil }
    return [sender, number, intended, handed]
  }

  private static let keys = [#"{"s":"#, #","n":"#, #","t":"#, #","a":"#].map { Array($0.utf8) }
  private static let padKey = Array(#","p":""#.utf8)
  private static let end = Array(#""}"#.utf8)

  /// The key at `position`, which must come next, and the digits behind it.
  private static func scan(_ position: Int, _ bytes: Span<UInt8>, _ index: inout Int) -> UInt64? {
    let key = keys[position]
    guard index + key.count < bytes.count else { return nil }
    for offset in 0..<key.count where bytes[index + offset] != key[offset] { return nil }
    index += key.count
    let start = index
    var value: UInt64 = 0
    while index < bytes.count, bytes[index] &- 0x30 < 10 {
      // 18 digits stay below 2^63.
      guard index - start < 18 else { return nil }
      value = value * 10 + UInt64(bytes[index] - 0x30)
      index += 1
    }
    return index > start ? value : nil
  }

  private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    let start = bytes.count
    var rest = value
    repeat {
      bytes.append(UInt8(truncatingIfNeeded: rest % 10) + 0x30)
      rest /= 10
    } while rest > 0
    bytes[start...].reverse()
  }
}
