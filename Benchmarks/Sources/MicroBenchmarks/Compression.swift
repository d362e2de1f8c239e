import WebSocketFrames

/// permessage-deflate of small messages, without context takeover.
let compression: [Benchmark] = [
  Benchmark(name: "deflate.300", operation: "a JSON message of 300 B compressed") { deflate() },
  Benchmark(name: "inflate.300", operation: "the same decompressed, UTF-8 checked") { inflate() },
]

private let agreement = DeflateAgreement(serverForgets: true, clientForgets: true)

private func text() -> [UInt8] {
  var text = #"{"v":2,"seq":17,"ack":42,"type":"event","event":"chat","room":"lobby","payload":{"items":["#
  var number = 0
  while text.utf8.count < 296 {
    text += "\(number * 7_919),"
    number += 1
  }
  return Array((text + "0]}}").utf8)
}

private func deflate() -> (Int) -> Void {
  let compression = MessageCompression(agreement, role: .server, pool: CompressionPool())
  let message = text()
  var compressed: [UInt8] = []
  return { count in
    for _ in 0..<count {
      compressed.removeAll(keepingCapacity: true)
      message.withUnsafeBytes { compression.compress($0, into: &compressed) }
      precondition(!compressed.isEmpty)
    }
  }
}

private func inflate() -> (Int) -> Void {
  let pool = CompressionPool()
  let client = MessageCompression(agreement, role: .client, pool: pool)
  let server = MessageCompression(agreement, role: .server, pool: pool)
  let message = text()
  var compressed: [UInt8] = []
  message.withUnsafeBytes { client.compress($0, into: &compressed) }
  return { count in
    for _ in 0..<count {
      do {
        let length = try compressed.withUnsafeBytes { bytes in
          try server.decompress(bytes, .text, limit: 1 << 20) { $0.count }
        }
        precondition(length == message.count)
      } catch {
        fatalError("\(error)")
      }
    }
  }
}
