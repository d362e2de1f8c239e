/// RFC 6455 sections 5.5.1 and 7.4, written as a list of what is allowed.
public func naiveClose(_ payload: [UInt8]) -> Seen {
  if payload.isEmpty { return .close(nil) }
  if payload.count == 1 { return .failed(1002) }
  let code = UInt16(payload[0]) * 256 + UInt16(payload[1])
  let registered: Set<UInt16> = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
  guard registered.contains(code) || (code >= 3000 && code < 5000) else { return .failed(1002) }
  return naiveUTF8(Array(payload[2...])) == .whole ? .close(code) : .failed(1007)
}

public enum TextState {
  case whole
  /// Well-formed as far as it goes.
  case open
  case bad
}

/// By decoding numbers, unlike the validator, which goes by ranges of bytes.
public func naiveUTF8(_ bytes: [UInt8]) -> TextState {
  var index = 0
  while index < bytes.count {
    let lead = bytes[index]
    let length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0
    guard length > 0 else { return .bad }
    let there = bytes[index..<min(index + length, bytes.count)]
    guard there.dropFirst().allSatisfy({ $0 >> 6 == 2 }) else { return .bad }
    // The lowest and highest numbers that the bytes so far can come to.
    let missing = length - there.count
    let mask: UInt8 = length == 1 ? 0x7F : 0x7F >> UInt8(length)
    let low = there.dropFirst().reduce(UInt32(lead & mask)) { $0 << 6 | UInt32($1 & 63) } << UInt32(6 * missing)
    let high = low + (1 << UInt32(6 * missing)) - 1
    let floor: UInt32 = [0, 0, 0x80, 0x800, 0x10000][length]
    let allowed = (max(low, floor)...max(high, floor, low))
    guard high >= floor, allowed.lowerBound <= 0x10FFFF, !(low >= 0xD800 && high <= 0xDFFF) else { return .bad }
    if missing > 0 { return .open }
    index += length
  }
  return .whole
}
