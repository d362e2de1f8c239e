import Testing
import wscore

@Suite struct CommandSourceTests {
  /// Places and faults, one text each, until the end or until there is no more yet.
  private func drain(_ source: inout CommandSource) -> [String] {
    var seen: [String] = []
    while case .item(let item) = source.next() {
      switch item.command {
      case .success(let command): seen.append("\(item.place ?? "") \(command)")
      case .failure(let fault): seen.append("\(item.place ?? "") \(fault.what)")
      }
    }
    return seen
  }

  @Test func linesAreCountedOverCommentsAndOpenJSON() {
    var source = CommandSource()
    source.queue(ScriptLines(name: "a.wsc", text: Array("# x\n\nstats\r\nsend echo {\n\"a\":1}\nfoo\nquit".utf8)))
    let seen = drain(&source)
    #expect(seen.count == 4)
    #expect(seen[0] == "a.wsc:3 stats")
    #expect(seen[1].hasPrefix("a.wsc:4 send"))
    #expect(seen[2] == "a.wsc:6 \"foo\" is not a command")
    #expect(seen[3] == "a.wsc:7 quit")
  }

  @Test func pushedCommandsComeFirst() throws {
    var source = CommandSource()
    source.queue(ScriptLines(name: "a", text: Array("stats".utf8)))
    source.queue(ScriptLines(name: "-c", text: Array("rooms".utf8)))
    try source.push(.session, times: 2, place: "r")
    let seen = drain(&source)
    #expect(seen == ["r session", "r session", "a:1 stats", "-c:1 rooms"])
    #expect(source.isEmpty)
  }

  @Test func inputComesInPieces() {
    var source = CommandSource()
    source.queue(ScriptLines(name: "stdin", text: nil))
    source.feed(Array("sta".utf8))
    #expect(drain(&source).isEmpty)
    source.feed(Array("ts\nroo".utf8))
    #expect(drain(&source) == ["stdin:1 stats"])
    source.feed(Array("ms".utf8))
    #expect(drain(&source).isEmpty)
    source.feed([])
    #expect(drain(&source) == ["stdin:2 rooms"])
    #expect(source.isEmpty)
  }

  @Test func depthIsBounded() throws {
    var source = CommandSource()
    for _ in 0..<16 { try source.push(.stats, times: 2, place: nil) }
    #expect(throws: CommandFault.self) { try source.push(.stats, times: 2, place: nil) }
  }
}
