import NIOCore
import Synchronization

/// Asks the gate before NIO accepts connections, and counts the sockets that it accepts.
final class ChannelAcceptHandler: ChannelDuplexHandler {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel
  typealias OutboundIn = any Channel

  private let services: Services
  private var gate: AcceptGate?
  private var context: ChannelHandlerContext?
  private var hasHeldRead = false
  private var isSwitchedOff = false

  init(services: Services) { self.services = services }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    gate = AcceptGate(services: services, loop: context.eventLoop) { [unowned self] in goOn() }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    gate?.stop()
    (self.context, gate) = (nil, nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let services = services
    services.socketCount.wrappingAdd(1, ordering: .relaxed)
    unwrapInboundIn(data).closeFuture.whenComplete { _ in
      services.socketCount.wrappingSubtract(1, ordering: .relaxed)
    }
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
    if gate?.isWaiting == true, !isSwitchedOff { switchReading(false) }
  }

  /// NIO goes on to listen after a failure, whether or not it is asked to: it would try without end, and take what is
  /// set free for somebody else.
  private func switchReading(_ isOn: Bool) {
    isSwitchedOff = !isOn
    context?.channel.setOption(.autoRead, value: isOn).whenFailure { [services] error in
      services.logger.debug("accepting was not switched", metadata: ["reason": "\(error)"])
    }
  }
}
