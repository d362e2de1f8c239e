#if HTTP
  import SessionHTTP
  import Testing

  @Suite("Gate")
  struct GateTests {
    @Test func `so many come in, so many wait, the rest is turned away`() async {
      let gate = Gate(concurrency: 2, waiting: 1)
      #expect(await gate.enter() == .entered)
      #expect(await gate.enter() == .entered)
      await withTaskGroup(of: Gate.Entry.self) { group in
        for _ in 0..<2 { group.addTask { await gate.enter() } }
        // Whichever comes first of the two waits; the other one is turned away, and only then a place is given up.
        #expect(await group.next() == .full)
        gate.leave()
        #expect(await group.next() == .entered)
      }
      gate.leave()
      gate.leave()
    }

    @Test func `nobody waits where nobody may`() async {
      let gate = Gate(concurrency: 1, waiting: 0)
      #expect(await gate.enter() == .entered)
      #expect(await gate.enter() == .full)
      gate.leave()
      #expect(await gate.enter() == .entered)
    }

    @Test func `who is cancelled leaves the queue and takes no place`() async {
      let gate = Gate(concurrency: 1, waiting: 8)
      #expect(await gate.enter() == .entered)
      let waiters = (0..<8).map { _ in Task { await gate.enter() } }
      for waiter in waiters { waiter.cancel() }
      for waiter in waiters { #expect(await waiter.value == .cancelled) }
      gate.leave()
      #expect(await gate.enter() == .entered)
    }

    @Test func `under pressure no place is lost and none is given twice`() async {
      let gate = Gate(concurrency: 4, waiting: 1_000)
      let busiest = await withTaskGroup(of: Int.self) { group in
        let census = Census()
        for index in 0..<500 {
          group.addTask {
            let task = Task { await gate.enter() }
            if index % 3 == 0 { task.cancel() }
            guard await task.value == .entered else { return 0 }
            let count = await census.enter()
            await Task.yield()
            await census.leave()
            gate.leave()
            return count
          }
        }
        return await group.reduce(0) { max($0, $1) }
      }
      #expect(1...4 ~= busiest)
      for _ in 0..<4 { #expect(await gate.enter() == .entered) }
    }

    private actor Census {
      private var count = 0

      func enter() -> Int {
        count += 1
        return count
      }

      func leave() { count -= 1 }
    }
  }
#endif
