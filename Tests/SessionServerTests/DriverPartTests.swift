import SessionCore
import SessionServer
import Testing

@Suite("Mailbox")
struct MailboxTests {
  @Test func `one wake-up serves all that came before the reader`() {
    let mailbox = Mailbox<Int>()
    let wakes = (0..<5).map { mailbox.append($0) }
    #expect(wakes == [.mustWake, .waits, .waits, .waits, .waits])
    var batch = [5, 6]
    let outcome = mailbox.append(contentsOf: &batch)
    #expect(outcome == .waits)
    #expect(batch.isEmpty)
    mailbox.takeAll(into: &batch)
    #expect(batch == Array(0...6))
    batch = []
    mailbox.takeAll(into: &batch)
    #expect(batch.isEmpty)
    let outcomeOfNext = mailbox.append(7)
    #expect(outcomeOfNext == .mustWake)
  }

  @Test func `a closed one takes nothing and gives what it has`() {
    let mailbox = Mailbox<Int>()
    _ = mailbox.append(1)
    mailbox.close()
    var batch = [2]
    #expect(mailbox.append(3) == .closed)
    let outcome = mailbox.append(contentsOf: &batch)
    #expect(outcome == .closed)
    mailbox.takeAll(into: &batch)
    #expect(batch == [1])
  }

  @Test func `nothing is lost or swapped between threads`() async {
    let mailbox = Mailbox<(writer: Int, number: Int)>()
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask { for number in 0..<10_000 { _ = mailbox.append((writer, number)) } }
      }
      group.addTask {
        var next = [0, 0, 0, 0]
        var batch: [(writer: Int, number: Int)] = []
        while next.reduce(0, +) < 40_000 {
          mailbox.takeAll(into: &batch)
          for item in batch {
            #expect(item.number == next[item.writer])
            next[item.writer] += 1
          }
          batch.removeAll(keepingCapacity: true)
          await Task.yield()
        }
      }
    }
  }
}

@Suite("DeadlineQueue")
struct DeadlineQueueTests {
  @Test func `deadlines come due in the order of their setting`() {
    var queue = DeadlineQueue<String>(milliseconds: 10)
    #expect(queue.next == .never)
    queue.append("a", now: Instant(nanoseconds: 0))
    queue.append("b", now: Instant(nanoseconds: 5_000_000))
    #expect(queue.next == Instant(nanoseconds: 10_000_000))
    let early = queue.popDue(Instant(nanoseconds: 9_999_999))
    let first = queue.popDue(Instant(nanoseconds: 12_000_000))
    let second = queue.popDue(Instant(nanoseconds: 12_000_000))
    #expect(early == nil)
    #expect(first == "a")
    #expect(second == nil)
    #expect(queue.next == Instant(nanoseconds: 15_000_000))
  }
}
