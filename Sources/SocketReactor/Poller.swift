import NIOCore

/// A loop's way to the kernel: waits for what happens to the loop's descriptors and tells them. One for a loop, used on
/// its thread only, but for `wake`.
///
/// A class and not a generic parameter of everything above: it is called for a socket's batch of bytes, never for a
/// message. Its variables are not checked for overlapping access at run time. Proof that none overlaps: each access reads
/// or changes one of them, calls nobody, and ends.
class Poller {
  /// All that is polled, under the names that the kernel gives back.
  @exclusivity(unchecked) final var table = DescriptorTable()
  /// Somebody waits to hear that what was accepted is taken: `wait` is not to sleep before.
  @exclusivity(unchecked) final var isAwaited = false

  /// The first that is called, on the loop's thread.
  func begin() throws(ReactorFault) {}

  /// Waits until something happened, `wake` was called or the time is over (nil: for ever), and tells the descriptors.
  func wait(_ time: TimeAmount?) { preconditionFailure("a poller waits") }

  /// Lets `wait` return. From any thread.
  func wake() { preconditionFailure("a poller can be woken") }

  /// Begins to read. False if the kernel has no room for one more.
  func add(_ socket: ReactorSocket) -> Bool { preconditionFailure("a poller takes sockets") }

  func add(_ listener: ReactorListener) -> Bool { preconditionFailure("a poller takes listeners") }

  /// `isReading` or `wantsOutput` of the socket changed.
  func interestChanged(_ socket: ReactorSocket) { preconditionFailure("a poller knows what is waited for") }

  func interestChanged(_ listener: ReactorListener) { preconditionFailure("a poller knows what is waited for") }

  /// Sends the bytes as far as the kernel takes them now. The answer is how many that are, or a negative errno; more is
  /// told later by `ReactorSocket.settle`.
  func send(_ bytes: UnsafeRawBufferPointer, to socket: ReactorSocket) -> Int { preconditionFailure("a poller sends") }

  /// Sees to it that what `send` has accepted is on its way.
  func flush() {}

  /// Forgets the descriptor and closes it.
  func remove(_ descriptor: any PolledDescriptor) { preconditionFailure("a poller forgets") }

  /// Gives the memory of buffers in which nothing stands back to the system. On the loop, as a task of its own.
  func giveBackMemory() { preconditionFailure("a poller has buffers") }

  /// Gives back what the kernel lent; nothing is polled any more.
  func stop() { preconditionFailure("a poller stops") }
}

/// Something that is polled, under its name in the table.
protocol PolledDescriptor: AnyObject {
  var number: Int32 { get }
  var token: UInt64 { get set }
  /// What a ring has in hand of it.
  var isReceivedFrom: Bool { get }
  var isPolled: Bool { get }
  var isHeld: Bool { get }

  /// There is something to read, or `isOver`: an error, or the end of both directions. `input` is lent.
  func inputIsReady(_ input: UnsafeMutableRawBufferPointer, isOver: Bool)
  /// There is room to write.
  func outputIsReady()
  /// Closes it because the loop ends.
  func loopEnds()
}

/// Descriptors by tokens that are never used again, so that an event that is late means nobody.
struct DescriptorTable {
  private struct Place {
    var descriptor: (any PolledDescriptor)?
    var generation: UInt32 = 0
  }

  private var places: [Place] = []
  private var free: [UInt32] = []
  private var removed: [any PolledDescriptor] = []

  var all: [any PolledDescriptor] { places.compactMap(\.descriptor) }
  var count: Int { places.count - free.count }

  mutating func insert(_ descriptor: any PolledDescriptor) {
    let index: Int
    if let last = free.popLast() {
      index = Int(last)
    } else {
      index = places.count
      places.append(Place())
    }
    places[index].descriptor = descriptor
    descriptor.token = UInt64(places[index].generation) << 32 | UInt64(index)
  }

  /// The place that a descriptor has: below the highest number of those that were in the table at once.
  static func index(_ token: UInt64) -> Int { Int(truncatingIfNeeded: token & 0xFFFF_FFFF) }

  subscript(token: UInt64) -> (any PolledDescriptor)? {
    let index = DescriptorTable.index(token)
    guard index < places.count, places[index].generation == UInt32(truncatingIfNeeded: token >> 32) else { return nil }
    return places[index].descriptor
  }

  /// A socket, not counted: good until `bury`. Whoever removes it leaves it in `removed` until then.
  /// - Parameter token: one that no listener has.
  func lendSocket(_ token: UInt64) -> Unmanaged<ReactorSocket>? {
    let index = DescriptorTable.index(token)
    guard index < places.count, places[index].generation == UInt32(truncatingIfNeeded: token >> 32) else { return nil }
    return places[index].descriptor.map { Unmanaged.passUnretained(unsafeDowncast($0, to: ReactorSocket.self)) }
  }

  /// Lets go of what was removed: to be called when none is lent.
  mutating func bury() {
    if !removed.isEmpty { removed = [] }
  }

  /// The descriptor's token means nobody from now on. Its place is nobody's until `release`.
  mutating func remove(_ descriptor: any PolledDescriptor) {
    precondition(self[descriptor.token] === descriptor, "what is removed was there")
    removed.append(descriptor)
    let index = DescriptorTable.index(descriptor.token)
    places[index].descriptor = nil
    // 28 bits: the rings' completions need the others.
    places[index].generation = (places[index].generation &+ 1) & 0x0FFF_FFFF
  }

  /// The place of what was removed is for another one.
  mutating func release(_ token: UInt64) { free.append(UInt32(DescriptorTable.index(token))) }
}
