import Glibc
import SessionCore
import Synchronization

/// What happened to the connection, in the order in which it happened.
enum LinkEvent: Sendable {
  /// A connection is being made, for the `attempt`-th time in a row.
  case connecting(attempt: Int)
  /// A message went out or came in, as it lay in its bytes.
  case frame(Report.Direction, [UInt8])
  /// The session is live.
  case online
  /// The connection ended, or could not be made. `retries` tells whether it is tried again, `wasAsked` whether `disconnect`
  /// had asked for it.
  case ended(LinkState.Ending, wasConnected: Bool, retries: Bool, wasAsked: Bool)
  /// Something that was to be sent could not even be queued.
  case refused(String)
}

/// What a run asks of the network. None of it waits: outcomes come as `LinkEvent`s.
protocol Link: AnyObject {
  /// Sends that were asked for and that the server has not acknowledged, those included that wait for a connection.
  var outstanding: Int { get }
  /// Another URL gets a new session: the token of the one that is there is for its own server.
  /// - Throws: `CLIError` when the text is no URL that can be connected to.
  func connect(to url: String) throws(CLIError)
  /// Connects again with the session that is there; `from` claims that nothing after that sequence number came.
  func resume(from: UInt64?)
  func disconnect(code: UInt16)
  func send(_ sending: Command.Sending)
  func send(raw: String)
  func join(_ room: String, presence: Bool, older: ClientSession.OlderMessages?)
  func leave(_ room: String)
  func acknowledge(_ seq: UInt64?)
  func drop(_ drop: Command.Drop)
  /// No direction ends it.
  func blackhole(_ direction: Command.Direction?, for duration: Duration?)
  /// Ends the session, closes with 1000 and frees everything; nothing is reported any more when it returns.
  func stop()
}

/// Events on their way from the network's thread to the main thread. A network that is faster than the terminal is held
/// up: the bytes then wait in the kernel, and the server sees a slow reader.
final class LinkMailbox: Sendable {
  private struct Content {
    var events: [LinkEvent] = []
    var byteCount = 0
    var isClosed = false
  }

  private static let maxEvents = 50_000
  private static let maxBytes = 64 << 20
  private let content = Mutex(Content())
  private let wakeup: Wakeup

  init(_ wakeup: Wakeup) { self.wakeup = wakeup }

  /// Called on the network's thread, which has nothing else to serve than this one client: it may wait here.
  func post(_ event: LinkEvent) {
    while content.withLock({ !$0.isClosed && ($0.events.count >= Self.maxEvents || $0.byteCount >= Self.maxBytes) }) {
      usleep(1000)
    }
    let wasEmpty = content.withLock { content in
      content.events.append(event)
      if case .frame(_, let bytes) = event { content.byteCount += bytes.count }
      return content.events.count == 1
    }
    if wasEmpty { wakeup.signal() }
  }

  func takeAll() -> [LinkEvent] {
    content.withLock { content in
      defer {
        content.events = []
        content.byteCount = 0
      }
      return content.events
    }
  }

  /// Lets nobody wait any more, since nobody takes events any more.
  func close() { content.withLock { $0.isClosed = true } }
}
