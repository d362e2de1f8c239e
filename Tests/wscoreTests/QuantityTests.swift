import Testing
import wscore

@Suite struct QuantityTests {
  @Test(arguments: [
    ("250ms", Duration.milliseconds(250)), ("30s", .seconds(30)), ("1.5s", .milliseconds(1500)), ("2m", .seconds(120)),
    ("1h", .seconds(3600)), ("0s", .zero), ("15us", .microseconds(15)),
  ])
  func durations(_ text: String, _ expected: Duration) {
    #expect(Quantity.duration(text) == expected)
    #expect(Quantity.duration(Quantity.text(expected)) == expected)
  }

  @Test(arguments: ["", "30", "s", "-1s", "1 s", "1s ", ".5s", "1.s", "1e3s", "0x10s", "1.2.3s", "400d", "٣s", "infs"])
  func notDurations(_ text: String) { #expect(Quantity.duration(text) == nil) }

  @Test(arguments: [("512B", 512), ("64KiB", 65_536), ("1MiB", 1_048_576), ("1.5KiB", 1536), ("10kB", 10_000)])
  func sizes(_ text: String, _ expected: Int) { #expect(Quantity.byteCount(text) == expected) }

  @Test(arguments: ["64", "64K", "64kbit", "0.5B", "2000GiB", "-1B", "KiB"])
  func notSizes(_ text: String) { #expect(Quantity.byteCount(text) == nil) }

  @Test func rates() {
    #expect(Quantity.rate("5000/s") == 5000)
    #expect(Quantity.rate("300/m") == 5)
    #expect(Quantity.rate("0/s") == nil)
    #expect(Quantity.rate("5000") == nil)
  }

  @Test func spoken() {
    #expect(Quantity.spoken(.milliseconds(84)) == "84 ms")
    #expect(Quantity.spoken(.milliseconds(1449)) == "1.4 s")
    #expect(Quantity.spoken(.seconds(200)) == "3 m 20 s")
  }
}

@Suite struct SupportTests {
  @Test func suggestions() {
    let words = ["serve", "client", "load", "inspect"]
    #expect(Suggestion.nearest(to: "clinet", among: words) == "client")
    #expect(Suggestion.nearest(to: "sevre", among: words) == "serve")
    #expect(Suggestion.nearest(to: "insp", among: words) == "inspect")
    #expect(Suggestion.nearest(to: "frobnicate", among: words) == nil)
    #expect(Suggestion.nearest(to: "", among: words) == nil)
  }

  @Test func tableShrinksWhatMayShrink() {
    var table = Table([.init("SESSION", shrinks: true), .init("ROOMS", .right)])
    table.append(["s_0123456789abcdef", "12"])
    table.append(["s_1"])
    let plain = Style(isColoured: false)
    #expect(table.lines(width: nil, isUTF8: false, style: plain) == [
      "SESSION             ROOMS", "s_0123456789abcdef     12", "s_1",
    ])
    #expect(table.lines(width: 17, isUTF8: false, style: plain)[1] == "s_0123456~     12")
  }

  @Test func controlsOfAPeerDoNotReachTheTerminal() {
    #expect(DisplayWidth.printable("a\u{1B}[2Jb\u{9B}") == "a\\u{1b}[2Jb\\u{9b}")
  }

  @Test func colour() {
    func style(_ choice: Style.Choice, _ environment: [String: String]) -> Bool {
      Style(choice, descriptor: -1, environment: { environment[$0] }).isColoured
    }
    #expect(!style(.auto, [:]))
    #expect(style(.auto, ["CLICOLOR_FORCE": "1"]))
    #expect(!style(.auto, ["CLICOLOR_FORCE": "1", "NO_COLOR": "1"]))
    #expect(style(.always, ["NO_COLOR": "1"]))
    #expect(!style(.never, ["CLICOLOR_FORCE": "1"]))
  }

  @Test func errorsSayWhatThenWhyAndNext() {
    let error = CLIError("cannot connect: refused", why: "Nothing listens.", next: "Try: x", status: .unavailable)
    #expect(error.rendered(Style(isColoured: false)) == "wscore: cannot connect: refused\n  Nothing listens. Try: x\n")
  }
}
