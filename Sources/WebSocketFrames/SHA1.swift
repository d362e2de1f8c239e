/// SHA-1 of short inputs, for `Sec-WebSocket-Accept` only (RFC 6455 section 4.2.2; the hash is FIPS 180-4).
/// It proves that the peer speaks WebSocket and protects nothing.
package enum SHA1 {
  package static func digest(_ input: [UInt8]) -> [UInt8] {
    var state: State = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
    pad(input).withUnsafeBytes { padded in
      for start in stride(from: 0, to: padded.count, by: 64) { compress(padded, from: start, into: &state) }
    }
    var digest: [UInt8] = []
    digest.reserveCapacity(20)
    for index in state.indices {
      for shift in stride(from: 24, through: 0, by: -8) { digest.append(UInt8(truncatingIfNeeded: state[index] >> UInt32(shift))) }
    }
    return digest
  }

  private typealias State = InlineArray<5, UInt32>

  private static func pad(_ input: [UInt8]) -> [UInt8] {
    var padded = input
    // Room for the mark, up to 63 zeros and the length.
    padded.reserveCapacity(input.count + 1 + 63 + 8)
    padded.append(0x80)
    while padded.count % 64 != 56 { padded.append(0) }
    let bits = UInt64(input.count) * 8
    for shift in stride(from: 56, through: 0, by: -8) { padded.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift))) }
    return padded
  }

  private static func compress(_ bytes: UnsafeRawBufferPointer, from start: Int, into state: inout State) {
    var words = InlineArray<80, UInt32>(repeating: 0)
    for t in 0..<16 { words[t] = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: start + 4 * t, as: UInt32.self)) }
    for t in 16..<80 { words[t] = turn(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16], 1) }
    var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
    // Twenty rounds of each kind, without a look at each which it is.
    func rounds(_ range: Range<Int>, _ constant: UInt32, _ mix: (UInt32, UInt32, UInt32) -> UInt32) {
      for t in range {
        let next = turn(a, 5) &+ mix(b, c, d) &+ e &+ constant &+ words[t]
        (e, d, c, b, a) = (d, c, turn(b, 30), a, next)
      }
    }
    rounds(0..<20, 0x5A82_7999) { ($0 & $1) | (~$0 & $2) }
    rounds(20..<40, 0x6ED9_EBA1) { $0 ^ $1 ^ $2 }
    rounds(40..<60, 0x8F1B_BCDC) { ($0 & $1) | ($0 & $2) | ($1 & $2) }
    rounds(60..<80, 0xCA62_C1D6) { $0 ^ $1 ^ $2 }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
  }

  private static func turn(_ word: UInt32, _ bits: UInt32) -> UInt32 { word &<< bits | word &>> (32 &- bits) }
}
