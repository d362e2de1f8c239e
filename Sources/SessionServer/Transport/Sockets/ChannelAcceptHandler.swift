import NIOCore
import Synchronization

/// Says when a listener of NIO accepts connections. Lives on the listener's loop.
protocol ChannelGate: AnyObject {
  /// If not, the gate has the listener go on when they may.
  func mayAccept() -> Bool
  func accepted(_ channel: any Channel)
  /// None was accepted, for the reason of this errno.
  func failed(_ number: Int32)
  /// Descriptors or memory are waited for.
  var isShort: Bool { get }
  func stop()
}

extension AcceptGate: ChannelGate {
  func accepted(_ channel: any Channel) {
    let services = services
    services.socketCount.wrappingAdd(1, ordering: .relaxed)
    channel.closeFuture.whenComplete { _ in services.socketCount.wrappingSubtract(1, ordering: .relaxed) }
  }
}

/// Asks a gate before NIO accepts connections.
final class ChannelAcceptHandler: ChannelDuplexHandler {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel
  typealias OutboundIn = any Channel

  private let makeGate: (any EventLoop, _ goOn: @escaping () -> Void) -> any ChannelGate
  private var gate: (any ChannelGate)?
  private var context: ChannelHandlerContext?
  private var hasHeldRead = false
  private var isSwitchedOff = false

  init(makeGate: @escaping (any EventLoop, _ goOn: @escaping () -> Void) -> any ChannelGate) { self.makeGate = makeGate }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    gate = makeGate(context.eventLoop) { [unowned self] in goOn() }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    gate?.stop()
    (self.context, gate) = (nil, nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    gate?.accepted(unwrapInboundIn(data))
    context.fireChannelRead(data)
  }

  func read(context: ChannelHandlerContext) {
    if gate?.mayAccept() == true { context.read() } else { hasHeldRead = true }
  }

  private func goOn() {
    if isSwitchedOff { return switchReading(true) }
    guard hasHeldRead else { return }
    hasHeldRead = false
    context?.read()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? IOError else { return context.fireErrorCaught(error) }
    gate?.failed(error.errnoCode)
    if gate?.isShort == true, !isSwitchedOff { switchReading(false) }
  }

  /// NIO goes on to listen after a failure, whether or not it is asked to: it would try without end, and take what is
  /// set free for somebody else.
  private func switchReading(_ isOn: Bool) {
    isSwitchedOff = !isOn
    // Fails for a channel that is closed, only.
    _ = context?.channel.setOption(.autoRead, value: isOn)
  }
}
