/// What an outbox keeps, in the order of its numbers: a linked list in one array, so that what goes from its middle
/// costs no more than what goes from its front, however long the list is.
struct OutboxList: Sendable {
  /// A place in the list; good until what stands there is removed.
  typealias Place = Int32

  /// One message, or numbers that will not come.
  struct Node: Sendable {
    var first: UInt64
    var last: UInt64
    /// Nil where numbers are missing; `loss` then says why.
    var message: SharedMessage?
    private var box: LossBox?
    fileprivate var previous = OutboxList.nowhere
    fileprivate var next = OutboxList.nowhere

    init(_ message: consuming SharedMessage, seq: UInt64) {
      (first, last) = (seq, seq)
      self.message = message
    }

    init(_ gap: Gap) { (first, last, box) = (gap.first, gap.last, LossBox(gap.loss)) }

    var loss: Gap.Loss? {
      get { box?.loss }
      set { box = newValue.map { LossBox($0) } }
    }

    var isGap: Bool { box != nil }

    /// Becomes that of a message, in a place that was free.
    @inline(__always) fileprivate mutating func fill(_ message: consuming SharedMessage, seq: UInt64, previous: Place) {
      (first, last, self.previous, next) = (seq, seq, previous, OutboxList.nowhere)
      self.message = consume message
    }

    fileprivate mutating func clear(next: Place) {
      (message, box) = (nil, nil)
      self.next = next
    }

    /// Nil for a message.
    var gap: Gap? { loss.map { Gap(first: first, last: last, loss: $0) } }
  }

  /// Apart from its entry, since most have none.
  private final class LossBox: Sendable {
    let loss: Gap.Loss

    init(_ loss: Gap.Loss) { self.loss = loss }
  }

  static let nowhere: Place = -1
  /// Memory that is kept when the list is empty.
  private static let keptCount = 64

  private var nodes: [Node] = []
  /// The first of the places that are not in use, linked by `next`.
  private var free = OutboxList.nowhere
  private(set) var head = OutboxList.nowhere
  private(set) var tail = OutboxList.nowhere

  var isEmpty: Bool { head == OutboxList.nowhere }

  subscript(place: Place) -> Node {
    _read { yield nodes[Int(place)] }
    _modify { yield &nodes[Int(place)] }
  }

  /// The message at a place, not counted: good as long as it stands there. Nil for a gap.
  func lend(_ place: Place) -> Unmanaged<SharedMessage>? { nodes[Int(place)].message.map { Unmanaged.passUnretained($0) } }

  /// Asks for the memory that `append` will change.
  mutating func prefetchForAppend() {
    if free != OutboxList.nowhere { prefetch(free) }
    if tail != OutboxList.nowhere { prefetch(tail) }
  }

  mutating func prefetch(_ place: Place) {
    nodes.withUnsafeBufferPointer { nodes in
      guard let start = nodes.baseAddress else { return }
      Prefetch.bytes(start + Int(place), byteCount: MemoryLayout<Node>.stride)
      // In front of an array's elements stand its count and who shares it, which each access looks at.
      Prefetch.bytes(UnsafeRawPointer(start) - 32, byteCount: 32)
    }
  }

  /// The place behind, `nowhere` at the end.
  func after(_ place: Place) -> Place { nodes[Int(place)].next }

  /// The place in front, `nowhere` at the beginning.
  func before(_ place: Place) -> Place { nodes[Int(place)].previous }

  /// The same as with a node of that message, for what is done with each message.
  @inline(__always) mutating func append(_ message: consuming SharedMessage, seq: UInt64) -> Place {
    guard free != OutboxList.nowhere else { return append(Node(message, seq: seq)) }
    let (place, last) = (free, tail)
    // Once for all of it: each change of an array looks whether it is shared.
    var nodes = self.nodes.mutableSpan
    let next = nodes[Int(place)].next
    nodes[Int(place)].fill(consume message, seq: seq, previous: last)
    if last != OutboxList.nowhere { nodes[Int(last)].next = place }
    free = next
    if last == OutboxList.nowhere { head = place }
    tail = place
    return place
  }

  mutating func append(_ node: consuming Node) -> Place {
    let last = tail
    node.previous = last
    tail = put(node)
    if last == OutboxList.nowhere { head = tail } else { nodes[Int(last)].next = tail }
    return tail
  }

  mutating func prepend(_ node: consuming Node) -> Place {
    let place = put(node)
    nodes[Int(place)].next = head
    if isEmpty { tail = place } else { nodes[Int(head)].previous = place }
    head = place
    return place
  }

  mutating func remove(_ place: Place) {
    let (previous, next) = (before(place), after(place))
    if previous == OutboxList.nowhere { head = next } else { nodes[Int(previous)].next = next }
    if next == OutboxList.nowhere { tail = previous } else { nodes[Int(next)].previous = previous }
    if isEmpty, nodes.count > OutboxList.keptCount {
      self = OutboxList()
      return
    }
    nodes[Int(place)].clear(next: free)
    free = place
  }

  /// What was the first entry.
  struct First {
    var place: Place
    var number: UInt64
    var message: SharedMessage?
  }

  /// Takes the first entry from the list if none of its numbers is above `seq`.
  mutating func popFirst(upTo seq: UInt64) -> First? {
    guard head != OutboxList.nowhere, nodes[Int(head)].last <= seq else { return nil }
    let (place, free) = (head, free)
    // Once for all of it: each change of an array looks whether it is shared.
    let (first, next) = nodes.withUnsafeMutableBufferPointer { nodes in
      let next = nodes[Int(place)].next
      if next != OutboxList.nowhere { nodes[Int(next)].previous = OutboxList.nowhere }
      // Taken and not copied: a copy would be counted, and the message used by two.
      let first = First(place: place, number: nodes[Int(place)].first, message: nodes[Int(place)].message.take())
      nodes[Int(place)].clear(next: free)
      return (first, next)
    }
    (head, self.free) = (next, place)
    guard next == OutboxList.nowhere else { return first }
    tail = OutboxList.nowhere
    if nodes.count > OutboxList.keptCount { self = OutboxList() }
    return first
  }

  private mutating func put(_ node: consuming Node) -> Place {
    guard free != OutboxList.nowhere else {
      nodes.append(node)
      return Place(nodes.count - 1)
    }
    let place = free
    free = nodes[Int(place)].next
    nodes[Int(place)] = node
    return place
  }
}
