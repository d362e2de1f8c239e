import DequeModule

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

/// What an outbox gave up, over the session's life.
public struct OutboxLosses: Sendable, Equatable {
  /// Reliable messages that were dropped for want of room.
  public var dropped: UInt64 = 0
  /// Those of them that made room for all outboxes together, and not for their own.
  public var droppedForAll: UInt64 = 0
  /// Reliable messages for which a newer one with the same key stands.
  public var conflated: UInt64 = 0
  public var transients: UInt64 = 0
}

/// The messages that a session was given and has not acknowledged, in order: counted when they come in, sent as far as
/// the receiver's window allows, kept until the receiver says that it has processed them.
///
/// Every number from the oldest kept one to `lastSeq` is in exactly one entry, as a message or inside a gap. No step
/// takes longer when more is kept.
public struct Outbox: Sendable {
  public enum Item {
    case message(SharedMessage, seq: UInt64)
    case transient(SharedMessage)
    indirect case gap(Gap)
  }

  private typealias Place = OutboxList.Place

  private var list = OutboxList()
  /// The oldest entry that was not sent on the present connection.
  private var unsent = OutboxList.nowhere
  /// Nothing in front of it may be dropped: there are replies and gaps only.
  private var droppable = OutboxList.nowhere
  /// The newest message with each key.
  private var keys = NameMap<OutboxList.Place>()
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
  private var transientByteCount = 0
  /// Of the messages kept, what is never dropped.
  private var replyCount = 0
  private var replyByteCount = 0
  /// What is under way; gaps are not, they are told.
  private var sentByteCount = 0
  private var sentMessageCount = 0
  /// Of it, what was given up meanwhile: it is on its way all the same, until the receiver has acknowledged `last`.
  private var abandoned = (messageCount: 0, byteCount: 0, last: UInt64(0))
  private var gapCount = 0
  public private(set) var losses = OutboxLosses()

  public init() {}

  public var droppedCount: UInt64 { losses.dropped }
  public var hasUnsent: Bool { unsent != OutboxList.nowhere || !transients.isEmpty }
  public var hasReplies: Bool { replyCount > 0 }
  /// Whether it has given up what is under way.
  public var isOverrun: Bool { abandoned.messageCount > 0 }
  /// All bytes that are held, those of transient messages too.
  public var heldByteCount: Int { byteCount + transientByteCount }
  /// Bytes that could be given up.
  public var droppableByteCount: Int { heldByteCount - replyByteCount }

  // MARK: What comes

  // Nothing is changed, but who is asked to change it is not copied, and a copy would be counted.

  /// Asks for the memory that the next message will stand in.
  mutating func prefetchForAppend() { list.prefetchForAppend() }

  /// Asks for that of the message that is sent next.
  mutating func prefetchForSending() { if unsent != OutboxList.nowhere { list.prefetch(unsent) } }

  // MARK: In

  /// Takes a reliable message in and gives it the next number. An unsent message with the same key gives way to it. A
  /// full outbox makes room first: transient messages go, then the oldest that are no replies.
  public mutating func append(_ message: consuming SharedMessage, limits: OutboxLimits) {
    if message.hasKey || isFull(adding: message, limits) { makeRoom(for: message, limits) }
    lastSeq += 1
    count(message, by: 1)
    let (isReply, key) = (message.isReply, message.hasKey ? message.key : nil)
    let place = list.append(message, seq: lastSeq)
    if unsent == OutboxList.nowhere { unsent = place }
    if droppable == OutboxList.nowhere, !isReply { droppable = place }
    if let key { keys[key] = place }
  }

  @inline(never) private mutating func makeRoom(for message: SharedMessage, _ limits: OutboxLimits) {
    if isFull(adding: message, limits) { dropTransients() }
    if message.hasKey, let key = message.key, let older = keys[key], !isSent(older) {
      losses.conflated += 1
      drop(older, .conflated, limits)
    }
    while isFull(adding: message, limits), dropOldest(limits) {}
  }

  /// Whether replies alone fill it: they are never dropped, so whoever causes them has to wait.
  public func isFullOfReplies(_ limits: OutboxLimits) -> Bool {
    replyCount >= limits.messageCount || replyByteCount >= limits.byteCount
  }

  @inline(__always) private mutating func count(_ message: SharedMessage, by change: Int) {
    let byteCount = message.byteCount
    messageCount += change
    self.byteCount += change * byteCount
    guard message.isReply else { return }
    replyCount += change
    replyByteCount += change * byteCount
  }

  /// Counts messages that never came here: a gap takes their place.
  public mutating func appendLoss(count: UInt64, room: String?) {
    guard count > 0 else { return }
    var loss = Gap.Loss(reason: .handoff)
    loss.add(room)
    let place = list.append(.init(Gap(first: lastSeq + 1, last: lastSeq + count, loss: loss)))
    if unsent == OutboxList.nowhere { unsent = place }
    gapCount += 1
    lastSeq += count
    losses.dropped += count
    join(place, whateverReason: false)
  }

  /// Takes a message in that may be lost: false if it was, since too many wait already.
  public mutating func appendTransient(_ message: SharedMessage, limits: OutboxLimits) -> Bool {
    guard transients.count < limits.transientCount, !isFull(adding: message, limits) else { return false }
    transients.append((message, lastSeq))
    transientByteCount += message.byteCount
    return true
  }

  private func isFull(adding message: SharedMessage, _ limits: OutboxLimits) -> Bool {
    #if PlantedFaults
    if Planted.isOn(.outboxHasNoBound) { return false }
    #endif
    return messageCount >= limits.messageCount || heldByteCount + message.byteCount > limits.byteCount
  }

  // MARK: Giving up

  /// Gives the least valuable up: transient messages, then the oldest message that is no reply, unless its number is
  /// `spared`. False if there is nothing of the kind.
  public mutating func relieve(sparing spared: UInt64? = nil, limits: OutboxLimits) -> Bool {
    guard transients.isEmpty else {
      dropTransients()
      return true
    }
    guard dropOldest(sparing: spared, limits) else { return false }
    losses.droppedForAll += 1
    return true
  }

  private mutating func dropTransients() {
    losses.transients += UInt64(transients.count)
    transients.removeAll()
    transientByteCount = 0
  }

  private mutating func dropOldest(sparing spared: UInt64? = nil, _ limits: OutboxLimits) -> Bool {
    while droppable != OutboxList.nowhere, list[droppable].message?.isReply ?? true { droppable = list.after(droppable) }
    guard droppable != OutboxList.nowhere, list[droppable].first != spared else { return false }
    losses.dropped += 1
    drop(droppable, .overflow, limits)
    return true
  }

  private mutating func drop(_ place: Place, _ reason: Gap.Reason, _ limits: OutboxLimits) {
    #if PlantedFaults
    if Planted.isOn(.overflowIsNotTold), reason == .overflow {
      if let message = list[place].message { take(message, from: place) }
      return remove(place)
    }
    #endif
    guard let message = list[place].message else { return }
    take(message, from: place)
    abandon(message, at: place)
    var loss = Gap.Loss(reason: reason)
    loss.add(message.room)
    (list[place].message, list[place].loss) = (nil, loss)
    gapCount += 1
    // Gaps of different reasons that touch would be without number if they stayed apart for ever.
    join(place, whateverReason: gapCount > max(64, limits.messageCount))
  }

  /// A message leaves the account.
  private mutating func take(_ message: SharedMessage, from place: Place) {
    takeFromAccount(message, at: place, wasSent: isSent(place))
  }

  private mutating func takeFromAccount(_ message: SharedMessage, at place: Place, wasSent: Bool) {
    count(message, by: -1)
    if message.hasKey, let key = message.key, keys[key] == place { keys[key] = nil }
    guard wasSent else { return }
    sentByteCount -= message.byteCount
    sentMessageCount -= 1
  }

  /// What was sent and is given up stays under way: else a receiver that does not acknowledge would be sent more than
  /// its window.
  private mutating func abandon(_ message: SharedMessage, at place: Place) {
    guard isSent(place) else { return }
    sentByteCount += message.byteCount
    sentMessageCount += 1
    abandoned = (
      abandoned.messageCount + 1, abandoned.byteCount + message.byteCount, max(abandoned.last, list[place].last)
    )
  }

  /// The receiver has got what was given up under way, or it is under way no more.
  private mutating func forgetAbandoned() {
    sentMessageCount -= abandoned.messageCount
    sentByteCount -= abandoned.byteCount
    abandoned = (0, 0, 0)
  }

  private func isSent(_ place: Place) -> Bool {
    unsent == OutboxList.nowhere || list[place].first < list[unsent].first
  }

  /// Joins a new gap with those that it touches.
  private mutating func join(_ place: Place, whateverReason: Bool) {
    let right = list.after(place)
    if right != OutboxList.nowhere, mayJoin(place, right, whateverReason) { join(right, to: place) }
    let left = list.before(place)
    if left != OutboxList.nowhere, mayJoin(left, place, whateverReason) { join(place, to: left) }
  }

  /// What was told is told: a gap that was sent takes in none that was not.
  private func mayJoin(_ left: Place, _ right: Place, _ whateverReason: Bool) -> Bool {
    guard right != unsent, let first = list[left].loss, let second = list[right].loss else { return false }
    return first.reason == second.reason || whateverReason
  }

  private mutating func join(_ right: Place, to left: Place) {
    guard let loss = list[right].loss else { return }
    list[left].last = list[right].last
    list[left].loss?.join(loss)
    remove(right)
  }

  private mutating func remove(_ place: Place) {
    if list[place].isGap { gapCount -= 1 }
    if unsent == place { unsent = list.after(place) }
    if droppable == place { droppable = list.after(place) }
    list.remove(place)
  }

  // MARK: Out

  /// What `next` gives if that is a message and no transient message waits, not counted: good until it is acknowledged or
  /// given up. Nil, with nothing done, if `next` gives anything else.
  mutating func lendNext(window: Window) -> (message: Unmanaged<SharedMessage>, seq: UInt64)? {
    let place = unsent
    guard transients.isEmpty, place != OutboxList.nowhere, sentMessageCount < window.messageCount,
      let message = list.lend(place)
    else { return nil }
    let byteCount = message._withUnsafeGuaranteedRef { $0.byteCount }
    guard sentByteCount == 0 || sentByteCount + byteCount <= window.byteCount else { return nil }
    let seq = list[place].last
    #if PlantedFaults
    if Planted.isOn(.replayHasOtherBytes), seq <= lastSentSeq { return nil }
    #endif
    send(place, seq, byteCount)
    return (message, seq)
  }

  /// The message at a place goes out.
  private mutating func send(_ place: Place, _ seq: UInt64, _ byteCount: Int) {
    unsent = list.after(place)
    sentMessageCount += 1
    sentByteCount += byteCount
    lastSentSeq = max(lastSentSeq, seq)
  }

  /// The next thing to send while less than `window` is under way; nil when there is none or the window is full.
  public mutating func next(window: Window) -> Item? {
    let place = unsent
    if let transient = transients.first, place == OutboxList.nowhere || transient.after < list[place].first {
      transients.removeFirst()
      transientByteCount -= transient.message.byteCount
      return .transient(transient.message)
    }
    guard place != OutboxList.nowhere, sentMessageCount < window.messageCount else { return nil }
    let seq = list[place].last
    guard let message = list[place].message else {
      unsent = list.after(place)
      lastSentSeq = max(lastSentSeq, seq)
      return list[place].gap.map { .gap($0) }
    }
    let fits = sentByteCount == 0 || sentByteCount + message.byteCount <= window.byteCount
    guard fits else { return nil }
    #if PlantedFaults
    if Planted.isOn(.replayHasOtherBytes), seq <= lastSentSeq {
      (sentMessageCount, sentByteCount) = (sentMessageCount + 1, sentByteCount + message.byteCount)
      unsent = list.after(place)
      return .message(SharedMessage(tail: message.tail.dropLast() + Array(",\"x\":1}".utf8)), seq: seq)
    }
    #endif
    send(place, seq, message.byteCount)
    return .message(message, seq: seq)
  }

  // MARK: Acknowledgement

  /// The receiver has processed everything up to `seq`: false if it cannot have, since that was never sent.
  public mutating func acknowledge(_ seq: UInt64) -> Bool {
    var none = Spares<SharedMessage>(limit: 0)
    return acknowledge(seq, &none)
  }

  /// - Parameter spares: gets the messages that nobody holds any more.
  mutating func acknowledge(_ seq: UInt64, _ spares: inout Spares<SharedMessage>) -> Bool {
    #if PlantedFaults
    if Planted.isOn(.ackFromTheFutureCounts), seq > lastSentSeq, seq < 10_000 {
      return acknowledge(lastSentSeq, &spares)
    }
    #endif
    guard seq <= lastSentSeq else { return false }
    guard seq > ackedSeq else { return true }
    ackedSeq = seq
    let firstUnsent = unsent == OutboxList.nowhere ? .max : list[unsent].first
    while var first = list.popFirst(upTo: seq) {
      if unsent == first.place { unsent = list.head }
      if droppable == first.place { droppable = list.head }
      if let message = first.message.take() {
        takeFromAccount(message, at: first.place, wasSent: first.number < firstUnsent)
        if message.byteCount <= SharedMessage.keptByteCount { spares.keep(consume message) { $0.clear() } }
      } else {
        gapCount -= 1
      }
    }
    if seq >= abandoned.last { forgetAbandoned() }
    // The receiver may stand inside a gap; what is left of it is a shorter one.
    if list.head != OutboxList.nowhere, list[list.head].first <= seq { list[list.head].first = seq + 1 }
    return true
  }

  /// The connection is gone: nothing is under way, transient messages are lost.
  public mutating func rewind() {
    forgetAbandoned()
    (unsent, sentByteCount, sentMessageCount) = (list.head, 0, 0)
    dropTransients()
  }

  /// Drops everything, for a receiver whose protocol has no replay; tells how many messages that were.
  mutating func forget() -> UInt64 {
    let count = UInt64(messageCount)
    let (lastSeq, losses) = (lastSeq, losses)
    self = Outbox()
    (self.lastSeq, self.losses, ackedSeq, lastSentSeq) = (lastSeq, losses, lastSeq, lastSeq)
    return count
  }

  /// A new connection takes over from a receiver that has processed everything up to `ack`. False if that was never
  /// sent. A receiver that stands before what it acknowledged earlier is told by a gap what cannot come again.
  public mutating func resume(from ack: UInt64) -> Bool {
    let known = ackedSeq
    guard acknowledge(max(ack, known)) else { return false }
    // What an earlier resume was told of this kind is told anew.
    while list.head != OutboxList.nowhere, list[list.head].last <= known { remove(list.head) }
    if ack < known {
      // Which rooms they were of was forgotten with them.
      let loss = Gap.Loss(reason: .trimmed, roomsAreComplete: false)
      _ = list.prepend(.init(Gap(first: ack + 1, last: known, loss: loss)))
      gapCount += 1
    }
    #if PlantedFaults
    if Planted.isOn(.replayForgetsTheOldest), let message = list.isEmpty ? nil : list[list.head].message {
      take(message, from: list.head)
      remove(list.head)
    }
    #endif
    rewind()
    return true
  }

  /// The numbers that a replay will bring, nil if there is none.
  public var replayRange: ClosedRange<UInt64>? {
    list.isEmpty ? nil : list[list.head].first...lastSeq
  }

  /// The gaps among what is kept, oldest first.
  public var gaps: [Gap] {
    var gaps: [Gap] = []
    var place = gapCount == 0 ? OutboxList.nowhere : list.head
    while place != OutboxList.nowhere {
      if let gap = list[place].gap { gaps.append(gap) }
      place = list.after(place)
    }
    return gaps
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
