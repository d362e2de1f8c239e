import FuzzSupport
import SessionCore
import SessionSimulator

/// What somebody says in `hello` to a server on which ann has a session: it is theirs with ann's name, the token, the
/// epoch and a possible `ack`, and untouched otherwise. `$SID`, `$TOKEN`, `$OLD` (a token that was used up) and `$EPOCH`
/// in the input stand for ann's.
@Sendable func hello(_ input: inout Input) {
  let flags = input.byte()
  let scene = Scene(shardCount: 1 + Int(flags & 1), isAttached: flags & 2 != 0)
  let text = scene.filled(input.remainder())
  let wire = scene.world.connect()
  scene.world.send(Array(#"{"v":2,"type":"hello","payload":"#.utf8) + text + Array("}".utf8), on: wire)
  scene.world.settle()
  let answers = wire.received.compactMap { try? JSONValue(parsing: Array($0.utf8)) }
  requireEqual(answers.count, wire.received.count, "an answer that is not JSON")
  let tree = try? JSONValue(parsing: Array(#"{"v":2,"type":"hello","payload":"#.utf8) + text + Array("}".utf8))
  scene.judge(answers, wire, Claim(tree?["payload"] ?? .null, scene))
}

/// What a client shows of itself, read from the text of PROTOCOL.md.
private struct Claim {
  var isSession: Bool
  var hasToken: Bool
  var hasOldToken: Bool
  var isAnn: Bool
  /// Whether the authenticator, which takes the credential for the user's name, names one that can be.
  var isUser: Bool
  var hasEpoch: Bool
  var ack: UInt64?

  init(_ payload: JSONValue, _ scene: Scene) {
    let resume = payload["resume"] ?? .null
    isSession = resume["sid"]?.stringValue == scene.sid
    hasToken = resume["token"]?.stringValue == scene.token
    hasOldToken = resume["token"]?.stringValue == scene.oldToken
    let credential = payload["auth"]?["credential"]?.stringValue
    isAnn = credential == "ann"
    isUser = 1...128 ~= (credential ?? "anonymous").utf8.count
    hasEpoch = resume["epoch"]?.stringValue == scene.epoch
    ack = resume["ack"]?.unsignedValue
  }
}

private final class Scene {
  let world: World
  private(set) var wire: Wire
  private(set) var sid = ""
  private(set) var token = ""
  private(set) var oldToken = ""
  private(set) var epoch = ""
  private let isAttached: Bool

  /// ann has a session in a room, has come back once, and was heard since.
  init(shardCount: Int, isAttached: Bool) {
    var limits = Limits()
    limits.pingIntervalMilliseconds = 3_600_000
    world = World(shardCount: shardCount, limits: limits, seed: 7)
    self.isAttached = isAttached
    wire = world.connect(node: 0)
    greet("")
    oldToken = token
    world.drop(wire, noticeAfterMicroseconds: 0)
    world.settle()
    wire = world.connect(node: 0)
    greet(#","resume":{"sid":"\#(sid)","token":"\#(token)","epoch":"\#(epoch)","ack":0}"#)
    world.send(#"{"v":2,"seq":1,"type":"join","room":"r","payload":{}}"#, on: wire)
    world.settle()
    if !isAttached {
      world.drop(wire, noticeAfterMicroseconds: 0)
      world.settle()
    }
    wire.receivedAll()
  }

  private func greet(_ resume: String) {
    world.send(
      #"{"v":2,"type":"hello","payload":{"versions":[2],"auth":{"scheme":"none","credential":"ann"}\#(resume)}}"#, on: wire)
    world.settle()
    guard let text = wire.received.first, let payload = (try? JSONValue(parsing: Array(text.utf8)))?["payload"],
      let sid = payload["sid"]?.stringValue, let token = payload["token"]?.stringValue,
      let epoch = payload["epoch"]?.stringValue
    else { fail("no welcome: \(wire.received)") }
    (self.sid, self.token, self.epoch) = (sid, token, epoch)
  }

  func filled(_ text: [UInt8]) -> [UInt8] {
    var filled: [UInt8] = []
    var rest = text[...]
    let values = [("$SID", sid), ("$TOKEN", token), ("$OLD", oldToken), ("$EPOCH", epoch)]
    while let first = rest.first {
      if first == UInt8(ascii: "$"), let (name, value) = values.first(where: { rest.starts(with: $0.0.utf8) }) {
        filled += Array(value.utf8)
        rest = rest.dropFirst(name.utf8.count)
      } else {
        filled.append(first)
        rest = rest.dropFirst()
      }
    }
    return filled
  }

  func judge(_ answers: [JSONValue], _ other: Wire, _ claim: Claim) {
    let welcome = answers.first { $0["type"] == "welcome" }?["payload"]
    let isResumed = welcome?["resumed"] == true
    let proof = claim.isSession && claim.hasToken && claim.isAnn
    if isResumed {
      require(proof, "resumed without proof")
      requireEqual(welcome?["sid"]?.stringValue ?? "", sid, "another session")
      require(welcome?["token"]?.stringValue != token, "the token did not change")
      if welcome?["version"] == 2 { require(claim.hasEpoch && claim.ack ?? .max <= 1, "resumed with a wrong position") }
      if isAttached { requireEqual(wire.closeCode, 4504, "the older connection's code") }
    } else {
      requireUntouched(claim)
      if proof, claim.hasEpoch, (claim.ack ?? 9) <= 1, welcome?["version"] == 2 { fail("all was shown, and not resumed") }
    }
    requireOneAnswer(answers, other, welcome, claim)
    requireEqual(world.rooms.first { $0.name == "r" }?.members.map(\.description) ?? [], stillThere ? [sid] : [], "members")
  }

  private var stillThere: Bool { world.sessions.contains { $0.sid.description == sid } }

  private func requireUntouched(_ claim: Claim) {
    // Theft ends a session, whoever the thief is.
    if claim.isSession, claim.hasOldToken, claim.isAnn, !stillThere { return }
    guard let session = world.sessions.first(where: { $0.sid.description == sid }) else { fail("ann's session is gone") }
    requireEqual(session.generation, 2, "generation")
    requireEqual(session.connection != nil, isAttached, "whether ann is attached")
    require(!isAttached || wire.closeCode == nil, "ann was closed with \(wire.closeCode ?? 0)")
  }

  /// A welcome and an open connection, or one error and a close of its own range.
  private func requireOneAnswer(_ answers: [JSONValue], _ other: Wire, _ welcome: JSONValue?, _ claim: Claim) {
    if welcome != nil {
      requireEqual(answers.count { $0["type"] == "welcome" }, 1, "welcomes")
      requireEqual(other.closeCode, nil, "closed after welcome")
    } else {
      requireEqual(answers.map { $0["type"] }, ["error"], "answers")
      // A name that cannot be is the authenticator's fault, and not the client's.
      let codes: Set<UInt16> = claim.isUser ? [4500, 4501, 4502, 4503, 4506] : [4000, 4500, 4502, 4503]
      require(codes.contains(other.closeCode ?? 0), "closed with \(other.closeCode ?? 0)")
    }
  }
}

extension Wire {
  /// Reads all that came.
  @discardableResult func receivedAll() -> [String] {
    var texts: [String] = []
    while let text = read() { texts.append(text) }
    return texts
  }
}
