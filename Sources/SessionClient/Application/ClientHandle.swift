import NIOCore
import SessionCore

/// A client for applications: any task may use it.
///
///     let client = await ClientHandle.make(try .init(url: "ws://127.0.0.1:8080/ws"), on: group)
///     try await client.connect()
///     let reply = try await client.send(event: "echo", payload: Array("1".utf8))
public struct ClientHandle: Sendable {
  /// When the last copy of the handle goes, so does the connection.
  private final class Lifetime: Sendable {
    let loop: any EventLoop
    let desk: NIOLoopBound<ClientDesk>

    init(_ loop: any EventLoop, _ desk: NIOLoopBound<ClientDesk>) { (self.loop, self.desk) = (loop, desk) }

    deinit {
      let desk = desk
      loop.execute { desk.value.retire() }
    }
  }

  private let lifetime: Lifetime

  var loop: any EventLoop { lifetime.loop }
  var desk: NIOLoopBound<ClientDesk> { lifetime.desk }

  /// Makes a client on a loop of `group`. It does not connect yet.
  public static func make(
    _ configuration: SessionClient.Configuration, on group: any EventLoopGroup
  ) async -> ClientHandle {
    let loop = group.next()
    return await withCheckedContinuation { continuation in
      loop.execute {
        let desk = NIOLoopBound(ClientDesk(configuration, loop), eventLoop: loop)
        continuation.resume(returning: ClientHandle(lifetime: Lifetime(loop, desk)))
      }
    }
  }

  // MARK: Connecting

  /// Connects, or resumes, and returns when the session is live.
  ///
  /// - Throws: `ClientError.stopped` when the client gives up; `CancellationError` if the task is cancelled, while the
  ///   client goes on trying.
  public func connect() async throws { try await ask { $0.connect($1) } }

  /// Closes and keeps the session for a later `connect()`.
  public func disconnect() async { await run { $0.disconnect() } }

  /// Ends the session.
  public func bye(reason: String? = nil) async { await run { $0.client.bye(reason: reason) } }

  // MARK: Sending

  /// Sends an event and returns its reply. It waits over drops; cancel the task to give up waiting.
  ///
  /// - Parameter payload: JSON text.
  /// - Throws: the server's `ProtocolError`; `ClientError` where no answer will come; `CancellationError`.
  public func send(
    event: String, eventVersion: UInt64 = 1, payload: [UInt8], room: String? = nil, key: String? = nil
  ) async throws -> IncomingMessage {
    try await ask { desk, waiter in
      desk.request(waiter) { client, id throws(SendFault) in
        try client.send(
          event: event, eventVersion: eventVersion, payload: payload, room: room, id: id, key: key)
      }
    }
  }

  /// Joins a room and returns the reply; its `continuity` tells what of the `older` messages comes behind it.
  public func join(
    _ room: String, presence: Bool = false, older: ClientSession.OlderMessages? = nil
  ) async throws -> IncomingMessage {
    try await ask { desk, waiter in
      desk.request(waiter) { client, id throws(SendFault) in
        try client.join(room, presence: presence, older: older, id: id)
      }
    }
  }

  public func leave(_ room: String) async throws -> IncomingMessage {
    try await ask { desk, waiter in
      desk.request(waiter) { client, id throws(SendFault) in try client.leave(room, id: id) }
    }
  }

  // MARK: Receiving

  /// Events, members' changes, and errors that answer nothing, in order. A message is acknowledged when the next one is
  /// asked for, so a slow reader holds the server up and not the memory. For one reader; call it before `connect`,
  /// since what comes earlier is not kept. A later call takes the place of an earlier one.
  public func messages() async -> ClientMessages {
    await withCheckedContinuation { continuation in
      loop.execute { continuation.resume(returning: ClientMessages(desk.value.openStream(), self)) }
    }
  }

  public func snapshot() async -> ClientSnapshot {
    await withCheckedContinuation { continuation in
      loop.execute { continuation.resume(returning: desk.value.client.snapshot) }
    }
  }

  /// Runs `body` on the client's loop.
  public func withClient<Result: Sendable>(
    _ body: @escaping @Sendable (SessionClient) throws -> Result
  ) async throws -> Result {
    try await loop.submit { try body(desk.value.client) }.get()
  }

  // MARK: To the loop

  private func run(_ body: @escaping @Sendable (ClientDesk) -> Void) async {
    await withCheckedContinuation { continuation in
      loop.execute {
        body(desk.value)
        continuation.resume()
      }
    }
  }

  /// Asks for something whose answer comes later, or never if the task is cancelled.
  private func ask<Answer: Sendable>(
    _ body: @escaping @Sendable (ClientDesk, Waiter<Answer>) -> Void
  ) async throws -> Answer {
    let waiter = Waiter<Answer>()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        waiter.wait(continuation)
        loop.execute { body(desk.value, waiter) }
      }
    } onCancel: {
      waiter.resume(.failure(CancellationError()))
    }
  }
}

/// What a client received, to be read by one task.
public struct ClientMessages: AsyncSequence, Sendable {
  public typealias Element = IncomingMessage

  private let stream: AsyncStream<IncomingMessage>
  private let handle: ClientHandle

  init(_ stream: AsyncStream<IncomingMessage>, _ handle: ClientHandle) {
    (self.stream, self.handle) = (stream, handle)
  }

  public struct AsyncIterator: AsyncIteratorProtocol {
    var base: AsyncStream<IncomingMessage>.AsyncIterator
    let handle: ClientHandle
    var last: UInt64?

    /// Waits for the next message; the one before is processed.
    public mutating func next() async -> IncomingMessage? {
      if let last {
        let desk = handle.desk
        handle.loop.execute { desk.value.consumed(last) }
      }
      let message = await base.next()
      last = message?.seq
      return message
    }
  }

  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(base: stream.makeAsyncIterator(), handle: handle)
  }
}
