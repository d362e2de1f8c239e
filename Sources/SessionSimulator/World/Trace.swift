/// What happened in a run, as one number: two runs of one seed have the same. FNV-1a over words, mixed at the end.
struct Trace {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  var hash: UInt64 { Dice.mix(state) }

  @inline(__always)
  mutating func note(_ word: UInt64) { state = (state ^ word) &* 0x100_0000_01B3 }

  @inline(__always)
  mutating func note(_ kind: UInt64, _ number: Int) { note(kind << 32 | UInt64(truncatingIfNeeded: number)) }

  /// Bytes, eight at a time.
  mutating func note(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { raw in
      var offset = 0
      while offset + 8 <= raw.count {
        note(raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian)
        offset += 8
      }
      while offset < raw.count {
        note(UInt64(raw[offset]))
        offset += 1
      }
    }
    state ^= state >> 29
  }
}

/// Events that sessions were given: docs/SIMULATOR.md says what each of them is.
public struct EventCounts: Sendable, Equatable {
  /// Messages of clients that a shard took in.
  public var messagesIn: UInt64 = 0
  /// Messages that were written to connections.
  public var messagesOut: UInt64 = 0
  /// Messages that a client took in.
  public var messagesHeard: UInt64 = 0
  /// Answers of hooks and handlers.
  public var hooks: UInt64 = 0
  /// Answers of rooms' logs.
  public var logs: UInt64 = 0
  /// Messages of one shard that another took in.
  public var posts: UInt64 = 0
  public var timers: UInt64 = 0
  /// Attaches, suspensions and ends.
  public var lives: UInt64 = 0

  public init() {}

  public var total: UInt64 { messagesIn + messagesOut + messagesHeard + hooks + logs + posts + timers + lives }

  public static func + (left: EventCounts, right: EventCounts) -> EventCounts {
    var sum = left
    sum.messagesIn += right.messagesIn
    sum.messagesOut += right.messagesOut
    sum.messagesHeard += right.messagesHeard
    sum.hooks += right.hooks
    sum.logs += right.logs
    sum.posts += right.posts
    sum.timers += right.timers
    sum.lives += right.lives
    return sum
  }
}
