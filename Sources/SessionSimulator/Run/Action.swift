/// One thing that is done to the world in a run. A run is its seed and the list of these.
struct Action: Sendable, CustomStringConvertible {
  enum Kind: Sendable, Equatable {
    case publish(room: Int, count: Int, key: Int?)
    case whisper(room: Int)
    case echo(count: Int)
    case direct(to: Int, count: Int)
    case setState
    case join(room: Int, presence: Bool, history: UInt64?)
    case leave(room: Int)
    case repeatLast
    case cut(Cut, awayMicroseconds: UInt64)
    /// The client is away for exactly its session's time, less or more so many milliseconds.
    case awayForItsTime(less: Int)
    /// Another connection while the first one lives; what is under way on the first arrives late.
    case takeOver
    /// Its hello comes twice, at one moment, on two shards.
    case race
    case block(microseconds: UInt64)
    /// The way is stuck, in both directions, and what was on it comes later.
    case stick(microseconds: UInt64)
    case changeVersion
    case bye
    case keep
    case goBack
    case copy
    case kick
    case kickUser
    case advise
    case serverPublish(room: Int, count: Int)
    case serverSend(toUser: Bool)
    case drain(milliseconds: UInt64)
    case lie(Lie)
    case crowd(count: Int)
  }

  var index: Int
  var atMicroseconds: UInt64
  var client: Int
  var kind: Kind

  var description: String { "#\(index) at \(atMicroseconds) us: client \(client): \(kind)" }
}
