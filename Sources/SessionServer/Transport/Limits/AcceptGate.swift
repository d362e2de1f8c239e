import Glibc
import NIOCore
import SessionCore
import Synchronization

/// Stops accepting connections while there are as many sockets as there may be, or no more descriptors: those that wait
/// stay in the kernel's queue, those that are there are served on. Says so once, and once more when it is over.
final class AcceptGate: ChannelDuplexHandler {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel
  typealias OutboundIn = any Channel

  private static let lookMilliseconds: Int64 = 50
  /// So long after the last trouble it is taken to be over: at the bound it comes and goes with each connection.
  private static let calm = TimeAmount.seconds(1)

  private let services: Services
  private let socketCount: Int
  private var holdsRead = false
  /// There were no more descriptors.
  private var isShort = false
  private var timer: Scheduled<Void>?
  private var lastTrouble: NIODeadline?

  init(services: Services) {
    self.services = services
    let configuration = services.configuration
    socketCount = configuration.connectionCount + configuration.spareSocketCount
  }

  // MARK: The channel

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let services = services
    services.socketCount.wrappingAdd(1, ordering: .relaxed)
    unwrapInboundIn(data).closeFuture.whenComplete { _ in
      services.socketCount.wrappingSubtract(1, ordering: .relaxed)
    }
    context.fireChannelRead(data)
  }

  func read(context: ChannelHandlerContext) {
    guard !isShort, !isFull else {
      holdsRead = true
      return note("as many sockets are open as there may be", context)
    }
    context.read()
  }

  private var isFull: Bool { services.socketCount.load(ordering: .relaxed) >= socketCount }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? IOError else { return context.fireErrorCaught(error) }
    switch error.errnoCode {
    case EMFILE, ENFILE, ENOBUFS, ENOMEM:
      isShort = true
      note(SystemError.text(error.errnoCode), context)
    default: services.logger.debug("a connection was not accepted", metadata: ["reason": "\(error)"])
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    context.fireChannelInactive()
  }

  // MARK: Trouble

  private func note(_ reason: String, _ context: ChannelHandlerContext) {
    if lastTrouble == nil {
      services.limits.count(.openFiles)
      services.isAcceptPaused.store(true, ordering: .relaxed)
      let count = services.socketCount.load(ordering: .relaxed)
      services.logger.warning(
        "new connections wait; those that are there are served on",
        metadata: ["reason": "\(reason)", "sockets": .stringConvertible(count)])
    }
    lastTrouble = .now()
    if timer == nil { look(context) }
  }

  private func look(_ context: ChannelHandlerContext) {
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: .milliseconds(AcceptGate.lookMilliseconds)) {
      let (gate, context) = bound.value
      gate.timer = nil
      gate.goOn(context)
    }
  }

  private func goOn(_ context: ChannelHandlerContext) {
    guard let lastTrouble else { return }
    isShort = !AcceptGate.areFilesLeft
    guard !isFull, !isShort else {
      self.lastTrouble = .now()
      return look(context)
    }
    if holdsRead {
      holdsRead = false
      context.read()
    }
    guard NIODeadline.now() - lastTrouble > AcceptGate.calm else { return look(context) }
    self.lastTrouble = nil
    services.isAcceptPaused.store(false, ordering: .relaxed)
    services.logger.notice("connections are accepted again")
  }

  /// Whether two more files can be opened: the last one is left for operators, whose connection needs it.
  private static var areFilesLeft: Bool {
    guard let first = ReserveFile(), let second = ReserveFile() else { return false }
    first.close()
    second.close()
    return true
  }
}
