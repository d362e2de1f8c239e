import Glibc
import NIOCore
import SocketReactor

/// Where the reads of channels lie while they are looked at: one for a loop, since one socket is read at a time.
final class ChannelInput {
  private let memory: UnsafeMutableRawBufferPointer
  private var isLent = false

  private static let byteCount = 65_536

  init() { memory = .allocate(byteCount: ChannelInput.byteCount, alignment: 16) }

  deinit { memory.deallocate() }

  /// Calls `body` with copies of all bytes, in pieces, each of which it may change.
  func copy(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
    // A write that fails makes NIO read what is left on that socket, while another socket's bytes are in the memory.
    guard !isLent else {
      var copy = Array(bytes)
      return copy.withUnsafeMutableBytes { body($0) }
    }
    isLent = true
    defer { isLent = false }
    var rest = bytes
    while !rest.isEmpty {
      let piece = UnsafeMutableRawBufferPointer(rebasing: memory[..<min(rest.count, memory.count)])
      piece.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<piece.count]))
      rest = UnsafeRawBufferPointer(rebasing: rest[piece.count...])
      body(piece)
    }
  }
}

/// A socket that NIO moves the bytes of, with TLS or without.
final class ChannelSocket: ByteSocket, ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let input: ChannelInput
  /// Gives the socket its first receiver when it is connected.
  private let begin: (ChannelSocket) -> Void
  private var context: ChannelHandlerContext?
  private var isReading = true
  private var hasHeldRead = false
  private var hasInputEnded = false
  /// For whom a proxy said that the connection is, before anything else.
  private(set) var announcedPeer: PeerAddress?

  init(_ input: ChannelInput, begin: @escaping (ChannelSocket) -> Void) {
    (self.input, self.begin) = (input, begin)
    super.init()
  }

  // MARK: The channel

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case let event as PeerAnnounced: announcedPeer = event.peer
    case ChannelEvent.inputClosed as ChannelEvent:
      hasInputEnded = true
      closeSoon()
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  func channelActive(context: ChannelHandlerContext) { begin(self) }

  func channelInactive(context: ChannelHandlerContext) {
    let receiver = receiver
    self.receiver = nil
    receiver?.ended()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    unwrapInboundIn(data).withUnsafeReadableBytes { bytes in
      input.copy(bytes) { receiver?.received($0) }
    }
  }

  func read(context: ChannelHandlerContext) {
    if isReading { context.read() } else { hasHeldRead = true }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    isWritable = context.channel.isWritable
    receiver?.writabilityChanged()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  // MARK: The socket

  override var remoteAddress: SocketAddress? { context?.remoteAddress }

  override var verifiedSubject: String? { context?.verifiedSubject }

  override func write(_ bytes: ByteBuffer, whenTaken: (() -> Void)?) {
    guard let context else { return }
    guard let whenTaken else { return context.writeAndFlush(wrapOutboundOut(bytes), promise: nil) }
    let body = NIOLoopBound(whenTaken, eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(bytes)).whenSuccess { body.value() }
  }

  override func closeOutput() { context?.close(mode: .output, promise: nil) }

  override func close() { context?.close(promise: nil) }

  override func pauseReading() { isReading = false }

  /// The peer sends nothing more. What it sent before is answered first; while it is not taken, the end is not, either.
  private func closeSoon() {
    guard let context else { return }
    let socket = NIOLoopBound(self, eventLoop: context.eventLoop)
    context.eventLoop.execute {
      if socket.value.isReading { socket.value.close() }
    }
  }

  override func resumeReading() {
    isReading = true
    if hasInputEnded { closeSoon() }
    guard hasHeldRead else { return }
    hasHeldRead = false
    context?.read()
  }

  override func boundSilence(milliseconds: Int) {
    let option = ChannelOptions.Types.SocketOption(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_USER_TIMEOUT))
    // Refused by sockets that are not TCP's, to which it means nothing.
    try? context?.channel.syncOptions?.setOption(option, value: milliseconds)
  }
}
