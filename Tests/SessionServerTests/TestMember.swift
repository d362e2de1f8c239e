import SessionCore
import SessionServer
import Testing

/// A small client of version 2 over any transport, which goes from one to another with its session.
final class TestMember {
  let server: SessionServer
  let user: String
  private(set) var wire: (any TestWire)?
  private(set) var sid = "", epoch = "", token = ""
  private(set) var last: UInt64 = 0
  private(set) var sent: UInt64 = 0

  init(_ server: SessionServer, user: String) { (self.server, self.user) = (server, user) }

  /// Another one who holds the same session.
  init(_ server: SessionServer, copying other: TestMember) {
    (self.server, user, sid, epoch, token) = (server, other.user, other.sid, other.epoch, other.token)
  }

  /// Says hello, with resume if there is a session, and returns the payload of welcome.
  @discardableResult
  func connect(
    _ transport: TestTransport, token: String? = nil, ack: UInt64? = nil, window: UInt64? = nil
  ) async throws -> JSONValue {
    try await greet(transport, token: token, ack: ack, window: window)
    let welcome = try await next("welcome")
    return remember(try #require(welcome["payload"]))
  }

  func greet(
    _ transport: TestTransport, token: String? = nil, ack: UInt64? = nil, window: UInt64? = nil
  ) async throws {
    var hello: [JSONValue.Member] = [
      .init("versions", .array([.int(2)])),
      .init("auth", .object([.init("scheme", .string("none")), .init("credential", .string(user))])),
    ]
    if let window { hello.append(.init("window", .object([.init("messages", .int(window))]))) }
    if !sid.isEmpty {
      hello.append(
        .init(
          "resume",
          .object([
            .init("sid", .string(sid)), .init("token", .string(token ?? self.token)), .init("epoch", .string(epoch)),
            .init("ack", .int(ack ?? last)),
          ])))
    }
    wire = try await transport.connect(server)
    try await send([.init("type", .string("hello")), .init("payload", .object(hello))])
  }

  private func remember(_ welcome: JSONValue) -> JSONValue {
    if welcome["resumed"] != .bool(true) { (last, sent) = (0, 0) }
    sid = welcome["sid"]?.stringValue ?? ""
    epoch = welcome["epoch"]?.stringValue ?? ""
    token = welcome["token"]?.stringValue ?? ""
    return welcome
  }

  func drop() async { await wire?.drop() }

  // MARK: Up

  func send(_ members: [JSONValue.Member]) async throws {
    try await wire?.send(.object([.init("v", .int(2))] + members))
  }

  /// With the next number, or again with an old one.
  func sendSequenced(_ type: String, _ members: [JSONValue.Member], seq: UInt64? = nil) async throws {
    if seq == nil { sent += 1 }
    try await send([.init("seq", .int(seq ?? sent)), .init("type", .string(type))] + members)
  }

  func echo(_ payload: JSONValue, seq: UInt64? = nil) async throws {
    try await sendSequenced("event", [.init("event", .string("echo")), .init("payload", payload)], seq: seq)
  }

  func join(_ room: String) async throws {
    try await sendSequenced("join", [.init("room", .string(room)), .init("payload", .object([]))])
    _ = try await next("reply")
  }

  func acknowledge() async throws { try await send([.init("type", .string("ack")), .init("ack", .int(last))]) }

  // MARK: Down

  /// The next message of the type; acknowledgements, pings and `live` are passed over, everything else is a fault.
  func next(_ type: String) async throws -> JSONValue {
    while true {
      let message: JSONValue
      switch try await wire?.receive() {
      case .message(let received): message = received
      case let other: throw WireFault(text: "\(type) expected, not \(String(describing: other))")
      }
      try note(message)
      let found = message["type"]?.stringValue ?? ""
      if found == type { return message }
      guard ["ack", "ping", "live"].contains(found) else { throw WireFault(text: "\(type) expected, not \(message.text)") }
    }
  }

  /// Exactly once, in order, or the test fails.
  func note(_ message: JSONValue) throws {
    if let seq = message["seq"]?.unsignedValue {
      guard seq == last + 1 else { throw WireFault(text: "seq \(seq) after \(last)") }
      last = seq
    } else if message["type"]?.stringValue == "gap" {
      guard message["payload"]?["from"]?.unsignedValue == last + 1 else { throw WireFault(text: "a gap elsewhere") }
      last = message["payload"]?["to"]?.unsignedValue ?? 0
    }
  }

  /// The code of the close, whatever comes before it.
  func closeCode() async throws -> UInt16 {
    while true {
      if case .closed(let code)? = try await wire?.receive() { return code }
    }
  }
}
