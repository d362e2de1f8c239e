import NIOCore
import WebSocketFrames

/// One operator's connection: one request, one response, the end.
final class AdminHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  static let timeout = TimeAmount.seconds(10)

  private let responder: AdminResponder
  private var head: HTTPHeadParser<HTTPRequestHead>?
  private var work: Task<Void, Never>?
  private var deadline: Scheduled<Void>?

  init(_ responder: AdminResponder) {
    self.responder = responder
    head = HTTPHeadParser()
  }

  func channelActive(context: ChannelHandlerContext) {
    let context = context.loopBound
    deadline = context.value.eventLoop.scheduleTask(in: AdminHandler.timeout) { context.value.close(promise: nil) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    deadline?.cancel()
    work?.cancel()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let buffer = unwrapInboundIn(data)
    let event = buffer.withUnsafeReadableBytes { bytes in
      var offset = 0
      return head?.next(bytes, from: &offset)
    }
    switch event {
    case .head(let head):
      if let refusal = head.refusalOfContent { return refuse(refusal, context) }
      self.head = nil
      answer(head, context)
    case .failed(let error): refuse(HTTPRefusal(error), context)
    case .needsMore, nil: break
    }
  }

  private func refuse(_ refusal: HTTPRefusal, _ context: ChannelHandlerContext) {
    head = nil
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: refusal.bytes())), promise: nil)
    context.close(mode: .output, promise: nil)
  }

  private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    deadline?.cancel()
    let (channel, responder) = (context.channel, responder)
    work = Task {
      let response = await responder.respond(method: head.method, path: head.path, query: head.query)
      do {
        try await AdminHandler.write(response, to: channel)
        try await channel.close(mode: .output)
      } catch {
        channel.close(promise: nil)
      }
    }
  }

  private static func write(_ response: AdminResponse, to channel: any Channel) async throws {
    var fields = [HTTPField("Content-Type", response.contentType), HTTPField("Connection", "close")]
    if case .whole(let body) = response.body { fields.append(HTTPField("Content-Length", String(body.count))) }
    var bytes = ByteBuffer(bytes: HTTPResponseWriter.head(response.status, fields))
    switch response.body {
    case .whole(let body):
      bytes.writeBytes(body)
      try await channel.writeAndFlush(bytes)
    case .pieces(let write):
      try await channel.writeAndFlush(bytes)
      try await write { piece in try await channel.writeAndFlush(ByteBuffer(bytes: piece)) }
    }
  }
}
