import NIOCore
import NIOPosix
import SessionClient
import SessionCore
import Synchronization
import WebSocketFrames

/// The network, by `SessionClient` on an event loop of its own. Commands hop onto the loop; what happens there is
/// posted to the mailbox.
final class SessionLink: Link {
  private let loop: any EventLoop
  private let side: NIOLoopBound<LoopSide>
  private let tally = Tally()
  /// How long the close handshake at the end may take.
  private static let farewell = 1_000

  init(_ configuration: SessionClient.Configuration, _ mailbox: LinkMailbox) throws(CLIError) {
    let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
    let tally = tally
    self.loop = loop
    do {
      side = try loop.submit {
        NIOLoopBound(LoopSide(configuration, loop, mailbox, tally), eventLoop: loop)
      }.wait()
    } catch {
      throw CLIError("cannot start the event loop: \(error)", status: .bug)
    }
  }

  var outstanding: Int { tally.count }

  func connect(to url: String) throws(CLIError) {
    let url = try SessionLink.parse(url)
    perform { $0.connect(to: url) }
  }

  /// - Throws: `CLIError` that does not repeat the text: it may hold a password.
  static func parse(_ text: String) throws(CLIError) -> WebSocketURL {
    let url: WebSocketURL
    do throws(WebSocketURLError) {
      url = try WebSocketURL(text)
    } catch {
      throw .usage("\(error)", next: "Write ws://127.0.0.1:8080/ws, the credential in --token-file or WSCORE_TOKEN.")
    }
    guard !url.isSecure || ClientTLS.isBuilt else { throw .usage("\(ClientError.tlsNotSupported)") }
    return url
  }

  func resume(from seq: UInt64?) { perform { $0.resume(from: seq) } }

  func disconnect(code: UInt16) { perform { $0.disconnect(code: code) } }

  func send(_ sending: Command.Sending) {
    submit("send") { side throws(SendFault) in
      _ = try side.client.send(
        event: sending.event, payload: Array(sending.payload.utf8), room: sending.room, id: sending.id)
    }
  }

  func send(raw: String) {
    perform { [tally] side in
      do throws(SendFault) {
        // Only a message that takes the next number has an outcome.
        if try side.client.sendRaw(raw) != nil { tally.add(1) }
      } catch {
        side.mailbox.post(.refused("raw: \(error)"))
      }
    }
  }

  func join(_ room: String, presence: Bool, older: ClientSession.OlderMessages?) {
    submit("join") { side throws(SendFault) in _ = try side.client.join(room, presence: presence, older: older) }
  }

  func leave(_ room: String) {
    submit("leave") { side throws(SendFault) in _ = try side.client.leave(room) }
  }

  func acknowledge(_ seq: UInt64?) { perform { $0.client.acknowledge(seq) } }

  func drop(_ drop: Command.Drop) {
    perform { side in
      switch drop {
      case .clean(let code): side.client.drop(.clean(code: code))
      case .fin: side.client.drop(.fin)
      case .rst: side.client.drop(.rst)
      }
    }
  }

  func blackhole(_ direction: Command.Direction?, for duration: Duration?) {
    let milliseconds = duration.map { UInt64(max(0, Quantity.nanoseconds($0) / 1_000_000)) }
    perform { side in
      switch direction {
      case .in: side.client.blackhole(.in, milliseconds: milliseconds)
      case .out: side.client.blackhole(.out, milliseconds: milliseconds)
      case .both: side.client.blackhole(.both, milliseconds: milliseconds)
      case nil: side.client.endBlackhole()
      }
    }
  }

  func stop() {
    let closed = loop.makePromise(of: Void.self)
    perform { $0.stop(closed) }
    loop.scheduleTask(in: .milliseconds(Int64(SessionLink.farewell))) { closed.succeed() }
    // It cannot fail, and if it could the process ends all the same.
    try? closed.futureResult.wait()
  }

  private func perform(_ body: @escaping @Sendable (LoopSide) -> Void) {
    loop.execute { [side] in body(side.value) }
  }

  /// A reliable send: outstanding from now on, before the loop has seen it.
  private func submit(_ verb: String, _ body: @escaping @Sendable (LoopSide) throws(SendFault) -> Void) {
    tally.add(1)
    perform { [tally] side in
      do throws(SendFault) {
        try body(side)
      } catch {
        tally.add(-1)
        side.mailbox.post(.refused("\(verb): \(error)"))
      }
    }
  }
}

/// How many sends have no outcome yet.
final class Tally: Sendable {
  private let value = Atomic<Int>(0)

  var count: Int { max(0, value.load(ordering: .relaxed)) }

  func add(_ difference: Int) { value.wrappingAdd(difference, ordering: .relaxed) }
}
