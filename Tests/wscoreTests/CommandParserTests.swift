import SessionCore
import Testing
import wscore

@Suite struct CommandParserTests {
  private func fault(_ line: String) -> CommandFault? {
    do {
      _ = try CommandParser.parse(line)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: ["", "   ", "# comment", "  # {"])
  func nothingToDo(_ line: String) throws { #expect(try CommandParser.parse(line) == nil) }

  @Test func sendTakesOptionsAnywhere() throws {
    let sending = Command.Sending(event: "chat.message", payload: #"{"text": "hi \" }"}"#, room: "lobby", id: "c-1")
    for line in [
      #"send chat.message {"text": "hi \" }"} --room lobby --id c-1"#,
      #"send --id c-1 --room lobby chat.message {"text": "hi \" }"}"#,
      #"  send chat.message --room "lobby" {"text": "hi \" }"} --id c-1 "#,
    ] { #expect(try CommandParser.parse(line) == .send(sending)) }
    #expect(try CommandParser.parse("send time") == .send(.init(event: "time", payload: "null")))
    #expect(try CommandParser.parse("send echo 1 --ack")
      == .send(.init(event: "echo", payload: "1", awaitsAck: true)))
    #expect(try CommandParser.parse("send echo {\"a\":\n1}") == .send(.init(event: "echo", payload: "{\"a\":\n1}")))
  }

  @Test func rawIsSentAsItStands() throws {
    #expect(try CommandParser.parse(#"raw {"v":2"#) == .raw(#"{"v":2"#))
    #expect(try CommandParser.parse("raw  x  # y ") == .raw("x  # y "))
    #expect(try CommandParser.parse(#" {"v":2,"type":"pong"} "#) == .raw(#"{"v":2,"type":"pong"}"#))
  }

  @Test func faults() throws {
    #expect(try CommandParser.parse("drop clean 4000") == .drop(.clean(code: 4000)))
    #expect(try CommandParser.parse("drop clean") == .drop(.clean(code: 1000)))
    #expect(try CommandParser.parse("drop fin") == .drop(.fin))
    #expect(try CommandParser.parse("drop rst") == .drop(.rst))
    #expect(try CommandParser.parse("blackhole both 20s") == .blackhole(.both, for: .seconds(20)))
    #expect(try CommandParser.parse("blackhole in") == .blackhole(.in, for: nil))
    #expect(try CommandParser.parse("blackhole off") == .endBlackhole)
  }

  @Test func expectations() throws {
    let command = try CommandParser.parse(#"expect chat.* room=lobby text="two words" pos.1=7 --within 2s"#)
    #expect(command == .expect(MessageExpectation(
      name: Glob("chat.*"),
      conditions: [
        .init(path: ["room"], value: "lobby"), .init(path: ["text"], value: "two words"),
        .init(path: ["pos", "1"], value: 7),
      ], within: .seconds(2))))
    #expect(try CommandParser.parse("expect gap --none")
      == .expect(MessageExpectation(name: Glob("gap"), isAbsence: true)))
    #expect(try CommandParser.parse("expect state online --no-gap --no-dup") == .expectState(
      .init(state: .online, allowsGap: false, allowsDuplicate: false)))
  }

  @Test func others() throws {
    #expect(try CommandParser.parse("repeat 3 send echo 1")
      == .repeated(3, .send(.init(event: "echo", payload: "1"))))
    #expect(try CommandParser.parse("wait acks --within 5s") == .wait(.acks, within: .seconds(5)))
    #expect(try CommandParser.parse("resume --from 7") == .resume(from: 7))
    #expect(try CommandParser.parse(#"join "my room" --presence"#) == .join(room: "my room", presence: true, older: nil))
    #expect(try CommandParser.parse("join r --history 20") == .join(room: "r", presence: false, older: .last(20)))
    #expect(
      try CommandParser.parse("join r --since 02b7e1f09c44d8aa:17")
        == .join(room: "r", presence: false, older: .since(LogPosition(log: 0x02b7_e1f0_9c44_d8aa, offset: 17))))
    #expect(throws: CommandFault.self) { try CommandParser.parse("join r --since 17") }
    #expect(throws: CommandFault.self) { try CommandParser.parse("join r --history 1 --since 02b7e1f09c44d8aa:17") }
    #expect(try CommandParser.parse("connect ws://h:1/ws") == .connect(url: "ws://h:1/ws"))
  }

  @Test(arguments: [
    ("sned x", #""sned" is not a command; did you mean "send"?"#),
    ("send", "send: an event is missing"),
    ("send echo hi", "send: the payload is not JSON: expected a value at byte 0"),
    (#"send echo {"a":1"#, "send: the JSON is not closed"),
    (#"send echo {"a":1}x"#, #"send: unexpected "x" after the JSON value"#),
    ("send echo 1 2", "send: 2 is one word too many"),
    ("send echo 1 --rom x", #"send: --rom is not an option; did you mean "--room"?"#),
    ("send echo --room", "send: --room needs a value"),
    ("drop", "drop: something is missing"),
    ("drop clean 1006", #"drop: "1006" is not a close code that may be sent (1000, or 3000 to 4999)"#),
    ("sleep 5", #"sleep: "5" is not a duration"#),
    ("wait forever", #"wait: "forever" is none of acks, online, idle"#),
    ("expect x y", #"expect: "y" is not PATH=VALUE"#),
    ("expect x a..b=1", #"expect: "a..b" is not a path like a.b.0"#),
    ("expect state online --none", "expect: --none does not go with state"),
    ("repeat 0 stats", #"repeat: "0" is not a number from 1 to 1000000"#),
    ("repeat 2 repeat 2 stats", "repeat: a repeat in a repeat is not taken"),
    ("ack 9007199254740992", #"ack: "9007199254740992" is not a number from 0 to 2^53-1"#),
    ("raw", "raw: something is missing"),
  ])
  func mistakes(_ line: String, _ what: String) { #expect(fault(line)?.what == what) }

  @Test func aPayloadThatIsNoJSONHasAHint() {
    #expect(fault(#"send echo '{"a":1}'"#)?.next?.contains("without a shell's quotes") == true)
    #expect(fault("send echo hi")?.next == #"A text is written in quotes: "hi""#)
    #expect(fault(#"send echo hi"there"#)?.next == nil)
  }

  @Test func everyCommandOfTheTableIsRead() {
    for name in CommandTable.names { #expect(fault(name)?.what.contains("is not a command") != true) }
  }
}

@Suite struct ExpectationTests {
  private func message(_ json: String) throws -> MessageExpectation.Message {
    MessageExpectation.Message(envelope: try JSONValue(parsing: Array(json.utf8)))
  }

  private func parsed(_ line: String) throws -> MessageExpectation? {
    guard case .expect(let expectation) = try CommandParser.parse(line) else { return nil }
    return expectation
  }

  @Test(arguments: [
    ("expect chat", true), ("expect ch*", true), ("expect *", true), ("expect echo", false), ("expect reply", false),
    ("expect chat room=lobby", true), ("expect chat text=hi", true), ("expect chat payload.text=hi", true),
    ("expect chat n=1.0", true), ("expect chat n=2", false), ("expect chat list.1=b", true),
    ("expect chat list.2=b", false), (#"expect chat o={"y":2,"x":1}"#, true), ("expect chat missing=null", false),
  ])
  func matching(_ line: String, _ matches: Bool) throws {
    let message = try message(
      #"{"v":2,"type":"event","event":"chat","room":"lobby","#
        + #""payload":{"text":"hi","n":1,"list":["a","b"],"o":{"x":1,"y":2}}}"#)
    #expect(try parsed(line)?.matches(message) == matches)
  }

  @Test func othersGoByTheirType() throws {
    let reply = try message(#"{"v":2,"seq":1,"type":"reply","re":"c-1","payload":7}"#)
    #expect(try parsed("expect reply re=c-1 payload=7")?.matches(reply) == true)
  }

  @Test func globs() {
    #expect(Glob("a*b*c").matches("a-b-b-c"))
    #expect(!Glob("a*b*c").matches("a-b-b"))
    #expect(Glob("*").matches(""))
    #expect(!Glob("").matches("a"))
  }
}

@Suite struct EditorTests {
  @Test func openJSONContinues() {
    #expect(JSONBalance.isOpen(#"send chat {"text":"#))
    #expect(JSONBalance.isOpen(#"send chat {"text":"}"#))
    #expect(!JSONBalance.isOpen(#"send chat {"text":"}"}"#))
    #expect(!JSONBalance.isOpen(#"raw {"v":"#))
    #expect(!JSONBalance.isOpen("# {"))
    #expect(!JSONBalance.isOpen("send chat }"))
  }

  @Test func historySkipsSecretsAndSpaces() {
    #expect(History.keeps("send chat 1"))
    #expect(!History.keeps(" send chat 1"))
    #expect(!History.keeps(""))
    #expect(!History.keeps(#"{"type":"hello","payload":{"auth":{"Credential":"x"}}}"#))
  }

  @Test func historyPath() {
    func path(_ variables: [String: String]) -> String? { History.path { variables[$0] } }
    #expect(path(["HOME": "/h"]) == "/h/.local/state/wscore/history")
    #expect(path(["HOME": "/h", "XDG_STATE_HOME": "/s"]) == "/s/wscore/history")
    #expect(path(["HOME": "/h", "XDG_STATE_HOME": "s"]) == "/h/.local/state/wscore/history")
    #expect(path(["HOME": "/h", "WSCORE_HISTFILE": "/x"]) == "/x")
    #expect(path(["HOME": "/h", "WSCORE_HISTFILE": ""]) == nil)
  }

  @Test func queueHidesFloodsButNoAlarm() {
    var queue = OutputQueue(capacity: 2)
    for n in 1...5 { queue.append("m\(n)", .message) }
    queue.append("gap!", .always)
    let text = queue.take(isUTF8: false)
    #expect(text == "m1\nm2\ngap!\n... 3 events hidden\n")
    #expect(queue.isEmpty)
  }

  @Test func completion() {
    var vocabulary = Vocabulary()
    vocabulary.learn(event: "chat.message")
    vocabulary.learn(room: "lobby")
    vocabulary.learn(key: "text")
    func candidates(_ before: String, _ word: String) -> [String] {
      vocabulary.complete(CompletionRequest(before: before, word: word)).candidates
    }
    #expect(candidates("", "dis") == ["disconnect"])
    #expect(candidates("send ", "ch") == ["chat.message"])
    #expect(candidates("send chat.message ", "--r") == ["--room"])
    #expect(candidates("send chat.message --room ", "") == ["lobby"])
    #expect(candidates("send chat.message {", "\"t") == ["\"text\""])
    #expect(candidates("drop ", "") == ["clean", "fin", "rst"])
    #expect(candidates("expect state ", "o") == ["online"])
    #expect(candidates("expect state online ", "--no") == ["--no-dup", "--no-gap"])
    #expect(candidates("repeat 3 drop ", "r") == ["rst"])
    #expect(candidates("set quiet ", "") == ["off", "on"])
  }

  @Test func completionOfNamesThatAreNoWords() {
    var vocabulary = Vocabulary()
    vocabulary.learn(room: "my room")
    vocabulary.learn(room: "my\"room")
    vocabulary.learn(room: "chat:lobby")
    vocabulary.learn(event: "a b")
    func candidates(_ before: String, _ word: String) -> [String] {
      vocabulary.complete(CompletionRequest(before: before, word: word)).candidates
    }
    #expect(candidates("join ", "my") == ["\"my room\"", "my\"room"])
    #expect(candidates("join ", "\"my") == ["\"my room\""])
    #expect(candidates("join ", "chat:l") == ["chat:lobby"])
    #expect(candidates("send \"a b\" --room ", "c") == ["chat:lobby"])
  }

  @Test(arguments: [
    ("join lobby\nleave lobby", true), ("\njoin lobby\nleave lobby", true), ("send a {\n\"b\":1}\nstats", true),
    ("raw {\n}", true), ("# {\nstats", true), ("send a {\n\"b\":\"}\n\"}", false), ("stats\n \n", false), ("\n\nstats", false), ("stats", false), ("", false),
  ])
  func severalCommands(_ entry: String, areSeveral: Bool) {
    #expect(JSONBalance.hasSeveralCommands(entry) == areSeveral)
  }

  @Test(arguments: [
    ("stats\n# {", false), ("stats\nraw {", false), ("# {\nsend a {", true), ("raw {\nsend a [1,", true), ("send a {\n\"b\":1}\n", false),
    ("stats\nsend a {\n\"b\":", true), ("\n send a {", true), ("", false),
  ])
  func theLastCommandGoesOn(_ entry: String, isOpen: Bool) { #expect(JSONBalance.isOpen(entry) == isOpen) }
}
