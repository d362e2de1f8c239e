import SessionClient
import SessionCore
import SessionServer
import WebSocketFrames

/// How a storm breaks connections.
package enum LoadDrop: String, CaseIterable, Sendable {
  case rst, fin, clean
}

/// What a run does, checked.
package struct LoadPlan: Sendable {
  package var url: WebSocketURL
  package var sessions = 100
  /// Messages a second of all sessions together; 0 for none.
  package var rate = 100.0
  package var duration = Duration.seconds(10)
  package var storms: [Storm] = []
  package var rooms = 20
  package var roomPrefix = RoomLayout.standardPrefix
  package var payloadBytes = 128
  package var seed: UInt64 = 1
  /// Longest wait for what is under way when the traffic ends.
  package var settle = Duration.seconds(10)
  package var loops = 1
  /// What moves the bytes.
  package var io = SocketBackend.auto
  package var drop = LoadDrop.rst
  /// Session starts a second; nil for as fast as `maxHandshakes` allows.
  package var ramp: Double?
  package var backoff = BackoffRange(floor: .milliseconds(50), ceiling: .seconds(2))
  /// Credentials, used in turn; none for no authentication.
  package var tokens: [Secret] = []
  package var authScheme = AuthScheme.standard
  /// For `wss`; nil trusts the system's authorities.
  package var tls: ClientTLS?

  package init(url: WebSocketURL) { self.url = url }

  /// Handshakes under way at a time while the sessions start.
  package static let maxHandshakes = 256
  package static let maxSessions = 1_000_000
  package static let maxPayloadBytes = 512 << 10
  /// A room's name has at most 128 bytes, and its number needs seven of them.
  package static let maxRoomPrefixBytes = 100

  package var schedule: LoadSchedule {
    LoadSchedule(seed: seed, sessionCount: sessions, ratePerSecond: rate, duration: duration)
  }

  package var layout: RoomLayout { RoomLayout(sessionCount: sessions, roomCount: rooms, prefix: roomPrefix) }

  /// - Throws: `CLIError` (usage) for the first value that makes no sense.
  package func check() throws(CLIError) {
    guard 1...LoadPlan.maxSessions ~= sessions else {
      throw .usage("--sessions \(sessions) is not between 1 and \(LoadPlan.maxSessions)")
    }
    guard 1...sessions ~= rooms else {
      throw .usage("--rooms \(rooms) is not between 1 and \(sessions), the number of sessions")
    }
    guard 1...LoadPlan.maxRoomPrefixBytes ~= roomPrefix.utf8.count else {
      throw .usage("--room-prefix \"\(roomPrefix)\" has not between 1 and \(LoadPlan.maxRoomPrefixBytes) bytes")
    }
    guard 1...64 ~= loops else { throw .usage("--loops \(loops) is not between 1 and 64") }
    guard ramp.map({ $0 > 0 }) ?? true else {
      throw .usage("--ramp 0/s starts no session", next: "Leave --ramp out to start them as fast as it goes.")
    }
    guard duration > .zero else { throw .usage("--duration must be longer than nothing") }
    guard rate * Double(Quantity.nanoseconds(duration)) / 1e9 < Double(UInt32.max) else {
      throw .usage("the run would have more than 4294967295 messages", next: "Lower --rate or --duration.")
    }
    guard rate == 0 || schedule.messageCount > 0 else {
      throw .usage(
        "--rate \(rate)/s sends nothing within \(Quantity.text(duration))",
        next: "Raise --rate or --duration; --rate 0 is for sessions that say nothing.")
    }
    guard 0...LoadPlan.maxPayloadBytes ~= payloadBytes else {
      throw .usage("--payload-bytes \(payloadBytes) is not between 0 and \(LoadPlan.maxPayloadBytes)")
    }
    if let storm = storms.first(where: { $0.at > duration }) {
      throw .usage(
        "--storm at \(Quantity.text(storm.at)) comes after the traffic, which lasts \(Quantity.text(duration))",
        next: "Lengthen --duration or move the storm.")
    }
    guard !url.isSecure || ClientTLS.isBuilt else { throw .usage("\(ClientError.tlsNotSupported)") }
  }

  /// Whether the target is an address of the loopback network, where source addresses can be spread over it.
  package var isLoopback: Bool { url.host.hasPrefix("127.") }

  /// Connections from one source address; each of them holds a port of it, and about 28,000 are to be had.
  static let connectionsPerAddress = 4_000

  /// The source address of a session: nil for the system's choice.
  package func localAddress(of session: Int) -> String? {
    guard isLoopback, sessions > LoadPlan.connectionsPerAddress else { return nil }
    let block = session / LoadPlan.connectionsPerAddress + 2
    return "127.0.\(block / 250).\(block % 250 + 1)"
  }
}
