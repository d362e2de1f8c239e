import SessionCore

/// What a hostile client tries, and what it must get for it.
enum Lie: CaseIterable, Sendable {
  // Before welcome.
  case notJSON, duplicateKey, tooDeep, noVersion, eventBeforeHello, badHello, noHello, twoHellosAtOnce
  // With somebody else's session.
  case stolenIDAndNoToken, stolenToken, stolenOldToken
  // With a session of its own.
  case ackFromTheFuture, ackOfTwoTo53, numberTooHigh, numberTooLarge, noNumber, secondHello, serverType
  case otherVersion, unknownVersion, unknownExtension, manyComplaints, oldNumbers, ackThatGoesBack
  case unreadFlood, emptyRoomName
  // With its own session, once more.
  case wrongEpoch, resumeFromTheFuture, ownOldToken

  enum Expectation: Equatable {
    case closed(UInt16)
    /// The connection goes on.
    case error(String)
    /// A session of its own, with this reason.
    case refused(String)
    /// An `ack`, and the connection goes on.
    case nothing
    /// Whatever: only what the judge sees counts.
    case anything
  }

  var expectation: Expectation {
    switch self {
    case .notJSON, .duplicateKey, .tooDeep, .noVersion, .eventBeforeHello, .badHello, .twoHellosAtOnce: .closed(4500)
    case .noHello: .closed(4508)
    case .stolenIDAndNoToken, .stolenOldToken: .refused("token")
    case .stolenToken: .refused("principal")
    case .ackFromTheFuture, .ackOfTwoTo53, .numberTooHigh, .noNumber: .closed(4501)
    case .numberTooLarge, .secondHello, .serverType, .emptyRoomName: .closed(4500)
    case .otherVersion, .unknownVersion: .error("version.unsupported")
    case .unknownExtension: .error("extension.unsupported")
    case .manyComplaints: .closed(4003)
    case .oldNumbers, .ackThatGoesBack: .nothing
    case .unreadFlood: .anything
    case .wrongEpoch: .refused("epoch")
    case .resumeFromTheFuture: .closed(4501)
    case .ownOldToken: .closed(4506)
    }
  }

  /// The invariant that is broken by another answer.
  var invariant: Invariant {
    switch self {
    case .stolenIDAndNoToken, .stolenToken, .stolenOldToken, .wrongEpoch, .ownOldToken: .tokens
    case .ackFromTheFuture, .ackOfTwoTo53, .resumeFromTheFuture, .ackThatGoesBack: .ackBounds
    case .numberTooHigh, .noNumber, .oldNumbers: .ackHonesty
    case .manyComplaints, .unreadFlood: .boundedMemory
    case .noHello: .lifecycle
    default: .version
    }
  }

  /// Whether its hello names its own session of before.
  var comesTwice: Bool { self == .wrongEpoch || self == .resumeFromTheFuture || self == .ownOldToken }

  /// What goes out instead of a hello; nil for those that say one.
  var opening: [String]? {
    switch self {
    case .notJSON: ["hello?"]
    case .duplicateKey: [#"{"v":2,"v":2,"type":"hello","payload":{"versions":[2]}}"#]
    case .tooDeep:
      [#"{"v":2,"type":"hello","payload":"# + String(repeating: "[", count: 100) + String(repeating: "]", count: 100) + "}"]
    case .noVersion: [#"{"type":"hello","payload":{"versions":[2]}}"#]
    case .eventBeforeHello: [#"{"v":2,"seq":1,"type":"event","event":"echo","payload":1}"#]
    case .badHello: [#"{"v":2,"type":"hello","payload":{"versions":"two"}}"#]
    case .noHello: []
    default: nil
    }
  }

  /// What is said once there is a session.
  var message: [String] {
    switch self {
    case .ackFromTheFuture: [#"{"v":2,"ack":7777,"type":"ack","payload":{}}"#]
    case .ackOfTwoTo53: [#"{"v":2,"ack":9007199254740991,"type":"ack","payload":{}}"#]
    case .numberTooHigh: [#"{"v":2,"seq":9007199254740991,"type":"event","event":"echo","payload":1}"#]
    case .numberTooLarge: [#"{"v":2,"seq":9007199254740992,"type":"event","event":"echo","payload":1}"#]
    case .noNumber: [#"{"v":2,"type":"event","event":"echo","payload":1}"#]
    case .secondHello: [#"{"v":2,"type":"hello","payload":{"versions":[2]}}"#]
    case .serverType: [#"{"v":2,"type":"welcome","payload":{}}"#]
    case .otherVersion: [#"{"v":1,"type":"event","event":"echo","payload":1,"id":"9"}"#]
    case .unknownVersion: [#"{"v":3,"type":"dance","payload":1}"#]
    case .unknownExtension: [#"{"v":2,"seq":1,"type":"event","event":"echo","payload":1,"crit":["x"]}"#]
    case .manyComplaints: Array(repeating: #"{"v":3,"type":"dance"}"#, count: 300)
    case .oldNumbers, .ackThatGoesBack:
      [
        #"{"v":2,"seq":1,"ack":0,"type":"event","event":"echo","id":"1","payload":1}"#,
        #"{"v":2,"seq":1,"ack":0,"type":"event","event":"echo","id":"1","payload":1}"#,
        #"{"v":2,"seq":1,"ack":0,"type":"event","event":"echo","id":"1","payload":1}"#,
      ]
    case .unreadFlood:
      (1...400).map { #"{"v":2,"seq":\#($0),"ack":0,"type":"event","event":"echo","id":"\#($0)","payload":1}"# }
    case .emptyRoomName: [#"{"v":2,"seq":1,"type":"join","room":""}"#]
    default: []
    }
  }
}
