import SessionCore

/// One command of the client's language, ready to be run.
package indirect enum Command: Equatable, Sendable {
  case connect(url: String?)
  case disconnect(code: UInt16)
  case send(Sending)
  /// Text that goes out as it stands.
  case raw(String)
  case join(room: String, presence: Bool, older: ClientSession.OlderMessages?)
  case leave(room: String)
  case rooms
  case session
  case resume(from: UInt64?)
  case acknowledge(UInt64?)
  case drop(Drop)
  case blackhole(Direction, for: Duration?)
  case endBlackhole
  case expect(MessageExpectation)
  case expectState(StateExpectation)
  case wait(Condition, within: Duration?)
  case sleep(Duration)
  case repeated(Int, Command)
  case source(path: String)
  case set(name: String?, value: String?)
  case mute(Glob?)
  case unmute(Glob)
  case stats
  case help(topic: String?)
  case quit

  /// What `send` sends.
  package struct Sending: Equatable, Sendable {
    package var event: String
    /// JSON as it was written.
    package var payload: String
    package var room: String?
    package var id: String?
    /// Whether the command is over only when the server has acknowledged it.
    package var awaitsAck: Bool

    package init(event: String, payload: String, room: String? = nil, id: String? = nil, awaitsAck: Bool = false) {
      self.event = event
      self.payload = payload
      self.room = room
      self.id = id
      self.awaitsAck = awaitsAck
    }
  }

  /// How a connection is cut: cli.md, "Fault vocabulary".
  package enum Drop: Equatable, Sendable {
    /// The close handshake.
    case clean(code: UInt16)
    /// FIN without a Close frame.
    case fin
    /// RST.
    case rst
  }

  package enum Direction: String, CaseIterable, Sendable { case `in`, out, both }

  package enum Condition: String, CaseIterable, Sendable { case acks, online, idle }

  package enum SessionState: String, CaseIterable, Sendable { case online, resuming, closed }

  /// `expect state …`
  package struct StateExpectation: Equatable, Sendable {
    package var state: SessionState
    package var allowsGap: Bool
    package var allowsDuplicate: Bool
    package var within: Duration?

    package init(
      state: SessionState, allowsGap: Bool = true, allowsDuplicate: Bool = true, within: Duration? = nil
    ) {
      self.state = state
      self.allowsGap = allowsGap
      self.allowsDuplicate = allowsDuplicate
      self.within = within
    }

    package var text: String {
      ["state", state.rawValue, allowsGap ? nil : "--no-gap", allowsDuplicate ? nil : "--no-dup"]
        .compactMap { $0 }.joined(separator: " ")
    }
  }

  /// The word that it begins with, for messages.
  package var verb: String {
    switch self {
    case .send: "send"
    case .raw: "raw"
    case .join: "join"
    case .leave: "leave"
    case .acknowledge: "ack"
    case .drop: "drop"
    case .blackhole, .endBlackhole: "blackhole"
    case .repeated: "repeat"
    case .expect, .expectState: "expect"
    default: "command"
    }
  }

  /// Whether it is about messages that came before it.
  package var isExpectation: Bool {
    switch self {
    case .expect, .expectState: true
    default: false
    }
  }

  /// Whether it takes a sequence number.
  package var isReliable: Bool {
    switch self {
    case .send, .join, .leave: true
    default: false
    }
  }

  /// Whether it tells of the session; scripts wait for the first one before such a line.
  package var tellsOfSession: Bool {
    switch self {
    case .session, .rooms, .stats: true
    default: false
    }
  }

  /// Whether it needs a session that is online; scripts wait for one before such a line.
  package var needsOnline: Bool {
    switch self {
    case .send, .raw, .join, .leave, .acknowledge, .drop, .blackhole: true
    default: false
    }
  }
}
