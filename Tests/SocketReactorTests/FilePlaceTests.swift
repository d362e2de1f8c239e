import Glibc
import NIOCore
import SocketReactor
import Testing

/// A ring keeps hold of sockets in places, which it has fewer of than there may be sockets, and gives one to the next.
@Suite(.enabled(if: ReactorBackend.usable.contains(.uring))) struct FilePlaceTests {
  private func withLoop(places: UInt32, _ body: (ReactorLoop) async throws -> Void) async throws {
    let loop = try ReactorLoop(name: "test", filePlaceCount: places)
    do {
      try await body(loop)
    } catch {
      try await loop.shutdownGracefully()
      throw error
    }
    try await loop.shutdownGracefully()
  }

  @Test(arguments: [UInt32](arrayLiteral: 0, 1, 3, 16_384)) func socketsWithoutAPlaceAreServedLikeOthers(_ places: UInt32) async throws {
    try await withLoop(places: places) { loop in
      var pairs: [Pair] = []
      for _ in 0..<6 { pairs.append(try await Pair.make(loop)) }
      for round in 1...3 {
        for (index, pair) in pairs.enumerated() {
          let text = "\(round) of \(index)"
          try await pair.with { $0.socket.write(ByteBuffer(string: text)) }
          #expect(pair.peer.read(text.utf8.count) == Array(text.utf8))
          pair.peer.write(Array(text.utf8))
          try await pair.wait { $0.bytes.count == round * text.utf8.count }
        }
      }
    }
  }

  /// All of it in one turn: what is sent to one socket never reaches the next one in its place. Three hundred sockets make
  /// more operations than the ring takes at once.
  @Test(arguments: [UInt32](arrayLiteral: 0, 1, 3, 16_384), [(50, 4), (4, 300)]) func theNextSocketInAPlaceGetsItsOwn(
    _ places: UInt32, _ times: (rounds: Int, sockets: Int)
  ) async throws {
    try await withLoop(places: places) { loop in
      for round in 0..<times.rounds {
        var ends: [(ours: Int32, peer: Peer)] = []
        for _ in 0..<times.sockets {
          var numbers: [Int32] = [0, 0]
          #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &numbers) == 0)
          _ = fcntl(numbers[1], F_SETFL, fcntl(numbers[1], F_GETFL) & ~O_NONBLOCK)
          ends.append((numbers[0], Peer(number: numbers[1])))
        }
        let ours = ends.map(\.ours)
        try await loop.submit {
          for (index, number) in ours.enumerated() {
            guard let socket = loop.adopt(number, whenEnded: {}) else { throw ReactorFault(call: "adopt", number: 0) }
            socket.write(ByteBuffer(string: "round \(round), socket \(index)"))
            socket.close()
          }
        }.get()
        for (index, end) in ends.enumerated() {
          #expect(String(decoding: end.peer.read(1_000), as: UTF8.self) == "round \(round), socket \(index)")
        }
      }
    }
  }
}
