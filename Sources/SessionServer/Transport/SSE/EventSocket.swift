import NIOCore
import SessionCore
import SocketReactor
import Synchronization
import WebSocketFrames

/// One socket on which clients of event streams send requests, one after the other. The request that opens a stream is
/// its last one.
final class EventSocket: ByteReceiver {
  private enum Phase {
    case head
    /// The head said that the content is messages for a channel, or the first of a new stream.
    case content(HTTPRequestHead, EventRequest)
    /// The messages of a request are being taken.
    case answering(HTTPRequestHead)
    case streaming(EventStream)
    /// Nothing more is said by us; what the peer says is thrown away, so that it gets our last words and no reset.
    case lingering
    case gone
  }

  private let driver: ShardDriver
  private let services: Services
  private var visitor: Visitor
  private let socket: ByteSocket
  private var phase = Phase.head
  private var parser: HTTPHeadParser<HTTPRequestHead>?
  private var reader: HTTPBodyReader?
  private var content: [UInt8] = []
  /// Bytes that are not looked at yet.
  private var kept: [UInt8] = []
  private var isReading = false
  private var isIdle = false
  private var deadline: Scheduled<Void>?
  /// What this one gave the socket to.
  private var successor: ConnectionHandler?

  /// For a socket that was counted when it became active.
  init(driver: ShardDriver, socket: ByteSocket, visitor: Visitor) {
    (self.driver, self.socket) = (driver, socket)
    self.visitor = visitor
    services = driver.services
  }

  // MARK: The socket

  func ended() {
    services.transportCount.wrappingSubtract(1, ordering: .relaxed)
    visitor.leave()
    deadline?.cancel()
    let last = phase
    phase = .gone
    (kept, content) = ([], [])
    if case .streaming(let stream) = last { stream.broke() }
  }

  func received(_ bytes: UnsafeMutableRawBufferPointer) {
    take(UnsafeRawBufferPointer(bytes))
    if isHolding { socket.pauseReading() }
    driver.scheduleTick()
  }

  func writabilityChanged() {
    if case .streaming(let stream) = phase { return stream.writabilityChanged(socket.isWritable) }
    guard socket.isWritable, case .head = phase else { return }
    expectNextRequest()
    readOn()
  }

  /// A client that sends its next request early waits with it; so does one that does not read its answers.
  private var isHolding: Bool {
    switch phase {
    case .answering: true
    case .head, .content: !socket.isWritable
    case .streaming, .lingering, .gone: false
    }
  }

  // MARK: Requests

  /// The first request came while another handler had the socket.
  func begin(with head: HTTPRequestHead, _ rest: UnsafeRawBufferPointer) {
    kept = Array(rest)
    judge(head)
    readKept()
  }

  func take(_ bytes: UnsafeRawBufferPointer) {
    switch phase {
    case .head, .content, .answering: kept.append(contentsOf: bytes)
    case .streaming, .lingering, .gone: return
    }
    readKept()
  }

  /// Takes in what was kept, as far as requests can be taken now.
  private func readKept() {
    guard !isReading else { return }
    isReading = true
    var bytes = kept
    kept = []
    var offset = 0
    bytes.withUnsafeMutableBytes { input in
      while readOne(input, &offset) {}
    }
    kept = Array(bytes[offset...]) + kept
    isReading = false
  }

  /// False if more bytes are needed or none are wanted.
  private func readOne(_ input: UnsafeMutableRawBufferPointer, _ offset: inout Int) -> Bool {
    switch phase {
    case .head: return socket.isWritable && readHead(UnsafeRawBufferPointer(input), &offset)
    case .content(let head, let request): return readContent(head, request, UnsafeRawBufferPointer(input), &offset)
    case .answering: return false
    case .streaming, .lingering, .gone:
      successor?.received(UnsafeMutableRawBufferPointer(rebasing: input[offset...]))
      offset = input.count
      return false
    }
  }

  private func readHead(_ input: UnsafeRawBufferPointer, _ offset: inout Int) -> Bool {
    guard offset < input.count else { return false }
    if isIdle { expectRequest() }
    if parser == nil { parser = HTTPHeadParser(limits: services.configuration.head) }
    switch parser?.next(input, from: &offset) {
    case .head(let head):
      parser = nil
      judge(head)
      return true
    case .failed(let error):
      services.note(error)
      refuse(HTTPRefusal(error), nil)
    case .needsMore, nil: break
    }
    return false
  }

  private func judge(_ head: HTTPRequestHead) {
    guard head.path == services.configuration.eventPath else { return handBack(head) }
    let request = services.judgeEvents(head, from: visitor.peer)
    switch request {
    case .refused(let refusal): refuse(refusal, head)
    case .preflight: answer(204, Services.preflightFields, to: head)
    case .stream, .messages: expectContent(head, request)
    }
  }

  private func expectContent(_ head: HTTPRequestHead, _ request: EventRequest) {
    let limits = HTTPBodyLimits(contentBytes: services.configuration.limits.messageByteCount)
    do throws(HTTPBodyError) {
      reader = try HTTPBodyReader(head.framing, limits: limits)
    } catch {
      return refuse(HTTPRefusal(error.status, error.text), head)
    }
    if head.expectsContinue { write(ByteBuffer(bytes: HTTPResponseWriter.head(100, []))) }
    guard !isGone else { return }
    phase = .content(head, request)
    if deadline == nil { expectRequest() }
  }

  private func readContent(
    _ head: HTTPRequestHead, _ request: EventRequest, _ input: UnsafeRawBufferPointer, _ offset: inout Int
  ) -> Bool {
    switch reader?.next(input, from: &offset) {
    case .content(let range):
      content.append(contentsOf: input[range])
      return true
    case .complete:
      reader = nil
      stopWaiting()
      dispatch(head, request)
      return true
    case .failed(let error): refuse(HTTPRefusal(error.status, error.text), head)
    case .needsMore, nil: break
    }
    return false
  }

  private func dispatch(_ head: HTTPRequestHead, _ request: EventRequest) {
    let messages = content
    content = []
    switch request {
    case .messages(nil): answer(.unknown, to: head)
    case .messages(let channel?): send(messages, to: channel, for: head)
    default: open(head, messages)
    }
  }

  /// The next request is for something else: whoever takes first requests takes it.
  private func handBack(_ head: HTTPRequestHead) {
    stopWaiting()
    let handler = ConnectionHandler(continuing: driver, socket, visitor)
    (phase, successor) = (.gone, handler)
    handler.begin(with: head)
  }

  // MARK: Messages up

  private func send(_ messages: [UInt8], to channel: EventChannel, for head: HTTPRequestHead) {
    phase = .answering(head)
    let (socket, loop) = (NIOLoopBound(self, eventLoop: driver.loop), driver.loop)
    driver.route(
      Batch(bytes: messages, isLines: true) { outcome in
        if loop.inEventLoop { socket.value.answered(outcome) } else { loop.execute { socket.value.answered(outcome) } }
      }, to: channel)
  }

  private func answered(_ outcome: BatchOutcome) {
    guard case .answering(let head) = phase else { return }
    answer(outcome, to: head)
    readOn()
  }

  private func readOn() {
    readKept()
    if !isHolding { socket.resumeReading() }
  }

  private func answer(_ outcome: BatchOutcome, to head: HTTPRequestHead) {
    switch outcome {
    case .taken, .closed(code: ..<4_000, reason: _, hadAll: true): answer(202, to: head)
    case .closed(code: ..<4_000, reason: _, hadAll: false):
      answer(404, text: "the stream ended before all of it was taken", to: head)
    case .unknown: answer(404, text: "no stream has this channel; open one with GET or POST", to: head)
    case .exceeded: answer(429, text: "another request of this channel waits for its answer", to: head)
    case .closed(let code, let reason, hadAll: _):
      let payload = JSONValue.members(["code": .int(code), "reason": .string(reason)])
      answer(409, [HTTPField("Content-Type", "application/json")], payload.line, to: head)
    }
  }

  // MARK: The stream

  private func open(_ head: HTTPRequestHead, _ messages: [UInt8]) {
    let (client, isWelcome) = visitor.admit(head.fields, services, now: driver.readClock())
    guard isWelcome else { return refuse(Services.crowded(), head) }
    let stream = EventStream(driver: driver, socket: self)
    phase = .streaming(stream)
    boundSilence()
    let fields = Services.streamFields + services.sharingFields(head)
    write(ByteBuffer(bytes: HTTPResponseWriter.head(200, fields) + stream.introduction))
    // The write may have found the connection broken; then nobody must hear of it.
    guard !isGone else { return }
    stream.begin(
      remote: client.description, credential: services.credential(head.fields), verifiedSubject: socket.verifiedSubject)
    if !messages.isEmpty { stream.take(Batch(bytes: messages, isLines: true) { _ in }) }
  }

  /// A peer that vanished acknowledges nothing: its kernel's silence ends the connection when that of a client would.
  private func boundSilence() {
    let limits = services.configuration.limits
    let milliseconds = limits.pingIntervalMilliseconds + limits.pingTimeoutMilliseconds
    socket.boundSilence(milliseconds: Int(clamping: min(milliseconds, UInt64(Int32.max))))
  }

  /// Ends the stream after what was written.
  func finish() { halfClose() }

  // MARK: Answers

  func write(_ bytes: ByteBuffer, whenTaken: (() -> Void)? = nil) { socket.write(bytes, whenTaken: whenTaken) }

  private func answer(_ status: Int, text: String, to head: HTTPRequestHead) {
    driver.countRefusal(status)
    answer(status, [HTTPField("Content-Type", "text/plain; charset=utf-8")], Array((text + "\n").utf8), to: head)
  }

  /// Answers a request; the next one may come.
  private func answer(_ status: Int, _ fields: [HTTPField] = [], _ body: [UInt8] = [], to head: HTTPRequestHead) {
    var fields = fields + services.sharingFields(head) + [HTTPField("Cache-Control", "no-store")]
    if status != 204 { fields.append(HTTPField("Content-Length", String(body.count))) }
    if !head.keepsConnection { fields.append(HTTPField("Connection", "close")) }
    phase = .head
    write(ByteBuffer(bytes: HTTPResponseWriter.head(status, fields) + body))
    guard !isGone else { return }
    if head.keepsConnection { expectNextRequest() } else { halfClose() }
  }

  /// Answers a request and ends.
  private func refuse(_ refusal: HTTPRefusal, _ head: HTTPRequestHead?) {
    driver.countRefusal(refusal.status)
    var refusal = refusal
    refusal.fields += services.sharingFields(head)
    write(ByteBuffer(bytes: refusal.bytes(omittingBody: head?.method == "HEAD")))
    halfClose()
  }

  private var isGone: Bool { if case .gone = phase { true } else { false } }

  private func halfClose() {
    switch phase {
    case .lingering, .gone: return
    default: phase = .lingering
    }
    (kept, content) = ([], [])
    wait(.milliseconds(Int64(ConnectionHandler.lingerMilliseconds))) { $0.socket.close() }
    socket.closeOutput()
  }

  // MARK: Deadlines

  private func expectNextRequest() {
    isIdle = true
    guard socket.isWritable else { return expectReader() }
    wait(.milliseconds(Int64(services.configuration.idleTimeoutMilliseconds))) { $0.socket.close() }
  }

  /// Answers wait to be read: a client has as long for it as one whose silence would be taken for its end.
  private func expectReader() {
    let limits = services.configuration.limits
    wait(.milliseconds(Int64(limits.pingIntervalMilliseconds + limits.pingTimeoutMilliseconds))) {
      $0.services.limits.count(.unread)
      $0.socket.close()
    }
  }

  /// Time for a whole request to arrive, from its first byte on.
  private func expectRequest() {
    isIdle = false
    wait(.milliseconds(Int64(services.configuration.handshakeTimeoutMilliseconds))) {
      $0.refuse($0.services.late(), nil)
    }
  }

  private func stopWaiting() {
    isIdle = false
    deadline?.cancel()
    deadline = nil
  }

  private func wait(_ time: TimeAmount, then body: @escaping (EventSocket) -> Void) {
    deadline?.cancel()
    let bound = NIOLoopBound((self, body), eventLoop: driver.loop)
    deadline = driver.loop.scheduleTask(in: time) { bound.value.1(bound.value.0) }
  }
}
