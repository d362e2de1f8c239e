/// What is going to happen, in order of time and, at one time, in order of scheduling: a binary heap of plain keys, and
/// the happenings beside it.
struct EventQueue<Happening> {
  private struct Key {
    var time: UInt64
    var serial: UInt64
    var place: Int

    @inline(__always)
    func isBefore(_ other: Key) -> Bool { time != other.time ? time < other.time : serial < other.serial }
  }

  private var keys: [Key] = []
  private var happenings: [Happening?] = []
  private var free: [Int] = []
  private var serial: UInt64 = 0

  var nextTime: UInt64? { keys.first?.time }
  var count: Int { keys.count }

  mutating func insert(_ happening: consuming Happening, at time: UInt64) {
    serial += 1
    let place: Int
    if let reused = free.popLast() {
      place = reused
      happenings[place] = consume happening
    } else {
      place = happenings.count
      happenings.append(consume happening)
    }
    keys.append(Key(time: time, serial: serial, place: place))
    rise()
  }

  mutating func popFirst() -> (time: UInt64, happening: Happening)? {
    guard let first = keys.first else { return nil }
    let last = keys.removeLast()
    if !keys.isEmpty { sink(last) }
    guard let happening = happenings[first.place].take() else { preconditionFailure("each key has its happening") }
    free.append(first.place)
    return (first.time, happening)
  }

  private mutating func rise() {
    var index = keys.count - 1
    let key = keys[index]
    while index > 0 {
      let parent = (index - 1) / 2
      guard key.isBefore(keys[parent]) else { break }
      keys[index] = keys[parent]
      index = parent
    }
    keys[index] = key
  }

  /// Puts `key` in the place of the first.
  private mutating func sink(_ key: Key) {
    var index = 0
    let count = keys.count
    while true {
      var child = 2 * index + 1
      guard child < count else { break }
      if child + 1 < count, keys[child + 1].isBefore(keys[child]) { child += 1 }
      guard keys[child].isBefore(key) else { break }
      keys[index] = keys[child]
      index = child
    }
    keys[index] = key
  }
}
