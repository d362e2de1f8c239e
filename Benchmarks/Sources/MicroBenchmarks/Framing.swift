import WebSocketFrames

/// Frames, masks and UTF-8.
let framing: [Benchmark] = [
  parse("frame.parse.32", byteCount: 32),
  parse("frame.parse.1024", byteCount: 1_024),
  unmask("unmask.32", byteCount: 32),
  unmask("unmask.1024", byteCount: 1_024),
  validate("utf8.ascii.1024", "wscore, "),
  validate("utf8.mixed.1024", "wß→😀"),
  validate("utf8.han.1024", "網路套接字"),
]

/// A masked text frame. The key is zero: the parser unmasks where the bytes lie, so any other would change them from one
/// round to the next, at the same cost.
private func frame(byteCount: Int) -> [UInt8] {
  let length: [UInt8] = byteCount < 126 ? [0x80 | UInt8(byteCount)] : [0xFE, UInt8(byteCount >> 8), UInt8(byteCount & 0xFF)]
  return [0x81] + length + [0, 0, 0, 0] + Array(repeating: UInt8(ascii: "x"), count: byteCount)
}

private func parse(_ name: String, byteCount: Int) -> Benchmark {
  Benchmark(name: name, operation: "a masked text frame of \(byteCount) B, UTF-8 checked; 16 of them in a read", bundle: 16) {
    var input: [UInt8] = []
    for _ in 0..<16 { input += frame(byteCount: byteCount) }
    return { count in
      var parser = FrameParser(role: .server)
      for _ in 0..<count {
        input.withUnsafeMutableBytes { bytes in
          var offset = 0
          while case .message(_, let range) = parser.next(bytes, from: &offset) { consume(range) }
        }
      }
    }
  }
}

private func unmask(_ name: String, byteCount: Int) -> Benchmark {
  Benchmark(name: name, operation: "\(byteCount) B") {
    var bytes = [UInt8](repeating: 0x55, count: byteCount)
    return { count in
      bytes.withUnsafeMutableBytes { for _ in 0..<count { Masking.apply(0x3D21_FA37, phase: 0, to: $0) } }
    }
  }
}

private func validate(_ name: String, _ text: String) -> Benchmark {
  Benchmark(name: name, operation: "about 1 KiB") {
    let bytes = Array(String(repeating: text, count: 1_024 / text.utf8.count).utf8)
    return { count in
      bytes.withUnsafeBytes { for _ in 0..<count { consume(UTF8Validator.isValid($0)) } }
    }
  }
}
