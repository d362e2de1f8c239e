import DequeModule

/// What a session was not sent, named exactly: PROTOCOL.md, "gap".
public struct Gap: Equatable, Sendable {
  public enum Reason: String, Sendable {
    /// The outbox was full and its oldest messages were dropped.
    case overflow
    /// A newer message with the same key took its place.
    case conflated
    /// The receiver resumed from before what it had acknowledged.
    case trimmed
    /// A room said more than is kept while the session moved between two shards.
    case handoff
  }

  public var first: UInt64
  public var last: UInt64
  /// Rooms whose messages are among the missing, in order of first loss.
  public var rooms: [String] = []
  public var reason: Reason

  /// Most rooms that are named; a room more than that is left out and `roomsAreComplete` is false.
  public static let maxRoomCount = 16
  public var roomsAreComplete = true

  public init(first: UInt64, last: UInt64, reason: Reason) {
    (self.first, self.last, self.reason) = (first, last, reason)
  }

  public var count: UInt64 { last - first + 1 }

  mutating func add(_ room: String?) {
    guard let room, !rooms.contains(where: { $0.isSameName(as: room) }) else { return }
    if rooms.count < Gap.maxRoomCount { rooms.append(room) } else { roomsAreComplete = false }
  }
}

/// Bounds of an outbox and of what may be under way.
public struct OutboxLimits: Sendable, Equatable {
  public var messageCount: Int
  public var byteCount: Int
  public var transientCount: Int

  public init(messageCount: Int = 1_024, byteCount: Int = 1_048_576, transientCount: Int = 64) {
    self.messageCount = messageCount
    self.byteCount = byteCount
    self.transientCount = transientCount
  }
}

/// The messages that a session was given and has not acknowledged, in order: counted when they come in, sent as far as
/// the receiver's window allows, kept until the receiver says that it has processed them.
///
/// Every number from the oldest kept one to `lastSeq` is in exactly one entry, as a message or inside a gap.
public struct Outbox: Sendable {
  public enum Item {
    case message(SharedMessage, seq: UInt64)
    case transient(SharedMessage)
    case gap(Gap)
  }

  private enum Entry: Sendable {
    case message(SharedMessage, seq: UInt64)
    case gap(Gap)

    var last: UInt64 {
      switch self {
      case .message(_, let seq): seq
      case .gap(let gap): gap.last
      }
    }
  }

  private var entries: Deque<Entry> = []
  /// How many entries, from the oldest, were sent on the present connection.
  private var sentCount = 0
  private var transients: Deque<(message: SharedMessage, after: UInt64)> = []
  /// The number given out last; the first message has 1.
  public private(set) var lastSeq: UInt64 = 0
  /// The highest number that ever went out, so the highest that may be acknowledged.
  public private(set) var lastSentSeq: UInt64 = 0
  /// Everything up to here was acknowledged.
  public private(set) var ackedSeq: UInt64 = 0
  /// Messages kept, gaps not counted.
  public private(set) var messageCount = 0
  public private(set) var byteCount = 0
  /// Of those, what is never dropped.
  private var replyCount = 0
  private var replyByteCount = 0
  private var sentByteCount = 0
  /// Of the entries that were sent, those that are messages: gaps are not under way, they are told.
  private var sentMessageCount = 0
  /// Reliable messages that were dropped for want of room, over the session's life.
  public private(set) var droppedCount: UInt64 = 0

  public init() {}

  public var hasUnsent: Bool { sentCount < entries.count || !transients.isEmpty }

  // MARK: In

  /// Takes a reliable message in and gives it the next number. A full outbox makes room first: transient messages
  /// go, then an unsent one with the same key, then the oldest that is no reply.
  public mutating func append(_ message: SharedMessage, limits: OutboxLimits) {
    if isFull(adding: message, limits) { transients.removeAll() }
    if let key = message.key { conflate(key) }
    while isFull(adding: message, limits), dropOldest() {}
    lastSeq += 1
    entries.append(.message(message, seq: lastSeq))
    messageCount += 1
    byteCount += message.byteCount
    if message.isReply { countReply(message, by: 1) }
  }

  /// Whether replies alone fill it: they are never dropped, so whoever causes them has to wait.
  public func isFullOfReplies(_ limits: OutboxLimits) -> Bool {
    replyCount >= limits.messageCount || replyByteCount >= limits.byteCount
  }

  private mutating func countReply(_ message: SharedMessage, by change: Int) {
    replyCount += change
    replyByteCount += change * message.byteCount
  }

  /// Counts messages that never came here: a gap takes their place.
  public mutating func appendLoss(count: UInt64, room: String?) {
    guard count > 0 else { return }
    var gap = Gap(first: lastSeq + 1, last: lastSeq + count, reason: .handoff)
    gap.add(room)
    entries.append(.gap(gap))
    lastSeq += count
    droppedCount += count
  }

  /// Takes a message in that may be lost: false if it was, since too many wait already.
  public mutating func appendTransient(_ message: SharedMessage, limits: OutboxLimits) -> Bool {
    guard transients.count < limits.transientCount, !isFull(adding: message, limits) else { return false }
    transients.append((message, lastSeq))
    return true
  }

  private func isFull(adding message: SharedMessage, _ limits: OutboxLimits) -> Bool {
    messageCount >= limits.messageCount || byteCount + message.byteCount > limits.byteCount
  }

  /// The message with `key` that has not been sent becomes a gap of one.
  private mutating func conflate(_ key: String) {
    guard let index = entries[sentCount...].lastIndex(where: { entry in
      if case .message(let message, _) = entry { message.key?.isSameName(as: key) == true } else { false }
    }) else { return }
    drop(at: index, reason: .conflated)
  }

  private mutating func dropOldest() -> Bool {
    let oldest = entries.firstIndex { entry in
      if case .message(let message, _) = entry { !message.isReply } else { false }
    }
    guard let oldest else { return false }
    droppedCount += 1
    drop(at: oldest, reason: .overflow)
    return true
  }

  private mutating func drop(at index: Int, reason: Gap.Reason) {
    guard case .message(let message, let seq) = entries[index] else { return }
    messageCount -= 1
    byteCount -= message.byteCount
    if index < sentCount {
      sentByteCount -= message.byteCount
      sentMessageCount -= 1
    }
    var gap = Gap(first: seq, last: seq, reason: reason)
    gap.add(message.room)
    entries[index] = .gap(gap)
    merge(index)
  }

  /// Joins a new gap to the one before it. A gap that was sent is never changed: the receiver would not hear of it.
  private mutating func merge(_ index: Int) {
    guard index > 0, index != sentCount, case .gap(let gap) = entries[index], case .gap(var before) = entries[index - 1],
      before.reason == gap.reason
    else { return }
    before.last = gap.last
    for room in gap.rooms { before.add(room) }
    entries[index - 1] = .gap(before)
    entries.remove(at: index)
    if index < sentCount { sentCount -= 1 }
  }

  // MARK: Out

  /// The next thing to send while less than `window` is under way; nil when there is none or the window is full.
  public mutating func next(window: Window) -> Item? {
    if let transient = transients.first, sentCount == entries.count || transient.after < first(of: entries[sentCount]) {
      transients.removeFirst()
      return .transient(transient.message)
    }
    guard sentCount < entries.count else { return nil }
    switch entries[sentCount] {
    case .gap(let gap):
      sentCount += 1
      lastSentSeq = max(lastSentSeq, gap.last)
      return .gap(gap)
    case .message(let message, let seq):
      let fits = sentByteCount == 0 || sentByteCount + message.byteCount <= window.byteCount
      guard sentMessageCount < window.messageCount, fits else { return nil }
      sentCount += 1
      sentMessageCount += 1
      sentByteCount += message.byteCount
      lastSentSeq = max(lastSentSeq, seq)
      return .message(message, seq: seq)
    }
  }

  private func first(of entry: Entry) -> UInt64 {
    switch entry {
    case .message(_, let seq): seq
    case .gap(let gap): gap.first
    }
  }

  // MARK: Acknowledgement

  /// The receiver has processed everything up to `seq`: false if it cannot have, since that was never sent.
  public mutating func acknowledge(_ seq: UInt64) -> Bool {
    guard seq <= lastSentSeq else { return false }
    guard seq > ackedSeq else { return true }
    ackedSeq = seq
    while let oldest = entries.first, oldest.last <= seq { removeOldest(oldest) }
    // The receiver may stand inside a gap; what is left of it is a shorter one.
    if case .gap(var gap) = entries.first, gap.first <= seq {
      gap.first = seq + 1
      entries[0] = .gap(gap)
    }
    return true
  }

  private mutating func removeOldest(_ entry: Entry) {
    entries.removeFirst()
    let wasSent = sentCount > 0
    if wasSent { sentCount -= 1 }
    if case .message(let message, _) = entry {
      messageCount -= 1
      byteCount -= message.byteCount
      if message.isReply { countReply(message, by: -1) }
      if wasSent {
        sentByteCount -= message.byteCount
        sentMessageCount -= 1
      }
    }
  }

  /// The connection is gone: nothing is under way, transient messages are lost.
  public mutating func rewind() {
    (sentCount, sentByteCount, sentMessageCount) = (0, 0, 0)
    transients.removeAll()
  }

  /// Drops everything, for a receiver whose protocol has no replay; tells how many messages that were.
  mutating func forget() -> UInt64 {
    let count = UInt64(messageCount)
    entries.removeAll()
    transients.removeAll()
    (sentCount, sentByteCount, sentMessageCount, messageCount, byteCount) = (0, 0, 0, 0, 0)
    (replyCount, replyByteCount) = (0, 0)
    (ackedSeq, lastSentSeq) = (lastSeq, lastSeq)
    return count
  }

  /// A new connection takes over from a receiver that has processed everything up to `ack`. False if that was never
  /// sent. A receiver that stands before what it acknowledged earlier is told by a gap what cannot come again.
  public mutating func resume(from ack: UInt64) -> Bool {
    let known = ackedSeq
    guard acknowledge(max(ack, known)) else { return false }
    rewind()
    guard ack < known else { return true }
    var gap = Gap(first: ack + 1, last: known, reason: .trimmed)
    // Which rooms they were of was forgotten with them.
    gap.roomsAreComplete = false
    entries.prepend(.gap(gap))
    return true
  }

  /// The numbers that a replay will bring, nil if there is none.
  public var replayRange: ClosedRange<UInt64>? {
    guard let oldest = entries.first else { return nil }
    return first(of: oldest)...lastSeq
  }

  /// The gaps among what is kept, oldest first.
  public var gaps: [Gap] {
    entries.compactMap { entry in if case .gap(let gap) = entry { gap } else { nil } }
  }
}

/// The most that may be under way without having been acknowledged.
public struct Window: Sendable, Equatable {
  public var messageCount: Int
  public var byteCount: Int

  public init(messageCount: Int = 256, byteCount: Int = 1_048_576) {
    self.messageCount = messageCount
    self.byteCount = byteCount
  }
}
