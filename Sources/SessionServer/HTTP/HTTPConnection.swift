import NIOCore
import WebSocketFrames

/// One connection of an internal HTTP server: one request after the other, the next read when the one before is
/// answered.
final class HTTPConnection: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private enum Phase {
    case head
    case body(HTTPRouter.Call)
    /// Nothing is read: what the client sends meanwhile waits in its socket.
    case answering
    /// A response without an end is under way; what comes is thrown away.
    case streaming
    /// The last response was sent; what comes is thrown away, so that the client reads the response and no reset.
    case lingering
  }

  private let router: HTTPRouter
  private let limits: HTTPServerLimits
  private let census: HTTPServer.Census
  private var context: ChannelHandlerContext?
  private var phase = Phase.head
  private var head = HTTPHeadParser<HTTPRequestHead>()
  private var body: HTTPBodyReader?
  private var content: [UInt8] = []
  private var input = ByteBuffer()
  /// A part of a head has come.
  private var hasBegun = false
  private var holdsRead = false
  private var isInputClosed = false
  private var timer: Scheduled<Void>?
  private var stream: Task<Void, Never>?

  init(_ router: HTTPRouter, _ limits: HTTPServerLimits, _ census: HTTPServer.Census) {
    (self.router, self.limits, self.census) = (router, limits, census)
  }

  // MARK: From the channel

  func channelActive(context: ChannelHandlerContext) {
    self.context = context
    guard census.enter() else {
      let fields = [HTTPField("Retry-After", "1")]
      return refuse(HTTPFault(503, "server.busy", "too many connections", fields: fields))
    }
    arm(limits.requestMilliseconds)
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    stream?.cancel()
    census.leave()
    self.context = nil
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func read(context: ChannelHandlerContext) {
    if case .answering = phase { holdsRead = true } else { context.read() }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    switch phase {
    case .streaming, .lingering: return
    default: input.writeBuffer(&bytes)
    }
    advance()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case ChannelEvent.inputClosed? = event as? ChannelEvent else {
      return context.fireUserInboundEventTriggered(event)
    }
    isInputClosed = true
    // With an answer under way the connection ends behind it, and behind those to what came before the end.
    if case .answering = phase { return }
    context.close(promise: nil)
  }

  // MARK: Requests

  private func advance() {
    while true {
      switch phase {
      case .head: guard readHead() else { return }
      case .body(let call): guard readBody(call) else { return }
      case .answering: return
      case .streaming, .lingering: return input.clear()
      }
    }
  }

  /// Hands the next bytes of the input to `reader`, which moves the offset.
  private func take<Event>(_ reader: (UnsafeRawBufferPointer, inout Int) -> Event) -> Event {
    var offset = 0
    let event = input.withUnsafeReadableBytes { reader($0, &offset) }
    input.moveReaderIndex(forwardBy: offset)
    if input.readableBytes == 0 { input.clear() }
    return event
  }

  /// False if more has to come first.
  private func readHead() -> Bool {
    guard input.readableBytes > 0 else { return false }
    if !hasBegun {
      hasBegun = true
      arm(limits.requestMilliseconds)
    }
    switch take({ head.next($0, from: &$1) }) {
    case .head(let head): begin(head)
    case .failed(let error): refuse(HTTPFault(error))
    case .needsMore: return false
    }
    return true
  }

  private func begin(_ head: HTTPRequestHead) {
    do throws(HTTPFault) {
      let call = try router.judge(head)
      do throws(HTTPBodyError) {
        body = try HTTPBodyReader(head.framing, limits: HTTPBodyLimits(contentBytes: limits.bodyByteCount))
      } catch {
        throw HTTPFault(error)
      }
      if head.expectsContinue { write(HTTPResponseWriter.head(100, [])) }
      phase = .body(call)
      arm(limits.requestMilliseconds)
    } catch {
      // Content that is not wanted is not read, and what follows it cannot be found.
      guard head.framing == .none else { return refuse(error) }
      respond(error.response, to: head)
    }
  }

  private func readBody(_ call: HTTPRouter.Call) -> Bool {
    let event = take { bytes, offset in
      let event = body?.next(bytes, from: &offset)
      if case .content(let range)? = event { content.append(contentsOf: bytes[range]) }
      return event
    }
    switch event {
    case .content: return true
    case .complete: perform(call)
    case .failed(let error): refuse(HTTPFault(error))
    case .needsMore, nil: return false
    }
    return true
  }

  private func perform(_ call: HTTPRouter.Call) {
    guard let context else { return }
    phase = .answering
    timer?.cancel()
    var call = call
    call.request.body = content
    content = []
    let promise = context.eventLoop.makePromise(of: HTTPResponse.self)
    let answered = call
    promise.completeWithTask { await answered.perform() }
    let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
    promise.futureResult.whenSuccess { connection.value.respond($0, to: answered.request.head) }
  }

  // MARK: Responses

  private func respond(_ response: HTTPResponse, to request: HTTPRequestHead) {
    guard let context else { return }
    guard case .whole(let body) = response.body else { return stream(response) }
    phase = .answering
    let isLast = isInputClosed && input.readableBytes == 0 || !limits.keepsConnections || !request.keepsConnection
    var fields = response.fields
    fields += [HTTPField("Content-Type", response.contentType), HTTPField("Content-Length", String(body.count))]
    if isLast { fields.append(HTTPField("Connection", "close")) }
    let promise = context.eventLoop.makePromise(of: Void.self)
    arm(limits.writeMilliseconds)
    write(head(response.status, fields) + (request.method == "HEAD" ? [] : body), promise)
    let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
    // Not at once: a write that is done at once would lead deeper with each request that waits in the input.
    promise.futureResult.whenSuccess {
      connection.eventLoop.execute { isLast ? connection.value.linger() : connection.value.startAnew() }
    }
  }

  /// What was written has left: only then is the next request read, so that a client that does not read its answers
  /// has no more than one of them waiting.
  private func startAnew() {
    guard let context else { return }
    phase = .head
    head = HTTPHeadParser()
    hasBegun = false
    arm(limits.idleMilliseconds)
    advance()
    switch phase {
    // What is left is no whole request, and no more of it will come.
    case .head where isInputClosed, .body where isInputClosed: linger()
    case .answering: return
    default: readOn(context)
    }
  }

  private func readOn(_ context: ChannelHandlerContext) {
    guard holdsRead else { return }
    holdsRead = false
    context.read()
  }

  /// In chunks, so that its end can be told from a broken connection. Reading goes on, so that the peer's end is noticed.
  private func stream(_ response: HTTPResponse) {
    guard let context, case .pieces(let body) = response.body else { return }
    phase = .streaming
    input.clear()
    readOn(context)
    let fields = [
      HTTPField("Content-Type", response.contentType), HTTPField("Transfer-Encoding", "chunked"),
      HTTPField("Connection", "close"),
    ]
    write(head(response.status, response.fields + fields))
    let (channel, connection) = (context.channel, NIOLoopBound(self, eventLoop: context.eventLoop))
    stream = Task {
      do {
        try await body { piece in
          guard !piece.isEmpty else { return }
          try await channel.writeAndFlush(ByteBuffer(bytes: HTTPResponseWriter.chunk(piece)))
        }
        try await channel.writeAndFlush(ByteBuffer(bytes: HTTPResponseWriter.lastChunk))
        channel.eventLoop.execute { connection.value.linger() }
      } catch {
        channel.close(promise: nil)
      }
    }
  }

  /// Answers and ends.
  private func refuse(_ fault: HTTPFault) {
    guard case .whole(let body) = fault.response.body else { return }
    let fields = fault.fields + [
      HTTPField("Content-Type", fault.response.contentType), HTTPField("Content-Length", String(body.count)),
      HTTPField("Connection", "close"),
    ]
    write(head(fault.status, fields) + body)
    linger()
  }

  private func linger() {
    guard let context else { return }
    phase = .lingering
    guard !isInputClosed else { return context.close(promise: nil) }
    input.clear()
    arm(limits.lingerMilliseconds)
    context.close(mode: .output, promise: nil)
    readOn(context)
  }

  private func head(_ status: Int, _ fields: [HTTPField]) -> [UInt8] { HTTPResponseWriter.head(status, limits.mark + fields) }

  private func write(_ bytes: [UInt8], _ promise: EventLoopPromise<Void>? = nil) {
    guard let context else { return }
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: promise)
  }

  // MARK: Time

  private func arm(_ milliseconds: Int64) {
    timer?.cancel()
    guard let context else { return }
    let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: .milliseconds(milliseconds)) { connection.value.isDue() }
  }

  private func isDue() {
    switch phase {
    case .head where hasBegun, .body: refuse(HTTPFault(408, "request.timeout", "the request did not arrive in time"))
    default: context?.close(promise: nil)
    }
  }
}
