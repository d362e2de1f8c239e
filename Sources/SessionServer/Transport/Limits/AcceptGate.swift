import Glibc
import NIOCore
import SessionCore
import Synchronization

/// Says when connections may be accepted: not while there are as many sockets as there may be, or no more descriptors.
/// Those that wait stay in the kernel's queue, those that are there are served on. Logs once that it is so, and once
/// more when it is over. Lives on the loop that accepts.
final class AcceptGate {
  private static let lookMilliseconds: Int64 = 50
  /// So long after the last trouble it is taken to be over: at the bound it comes and goes with each connection.
  private static let calm = TimeAmount.seconds(1)

  let services: Services
  private let loop: any EventLoop
  private let socketCount: Int
  /// Accepts again, after it was told not to.
  private var goOn: (() -> Void)?
  /// Descriptors are waited for, or memory.
  private(set) var isShort = false
  private var timer: Scheduled<Void>?
  private var lastTrouble: NIODeadline?

  init(services: Services, loop: any EventLoop, goOn: @escaping () -> Void) {
    (self.services, self.loop, self.goOn) = (services, loop, goOn)
    let configuration = services.configuration
    socketCount = configuration.connectionCount + configuration.spareSocketCount
  }

  /// If not, `goOn` is called when they may.
  func mayAccept() -> Bool {
    guard isShort || isFull else { return true }
    note("as many sockets are open as there may be")
    return false
  }

  /// None was accepted, for the reason of this errno. If it is for want of descriptors or memory, `goOn` is called when
  /// there are some.
  func failed(_ number: Int32) {
    switch number {
    case EMFILE, ENFILE, ENOBUFS, ENOMEM:
      isShort = true
      note(SystemError.text(number))
    default:
      services.logger.debug("a connection was not accepted", metadata: ["reason": "\(SystemError.text(number))"])
    }
  }

  func stop() {
    timer?.cancel()
    goOn = nil
  }

  // MARK: Trouble

  private var isFull: Bool { services.socketCount.load(ordering: .relaxed) >= socketCount }

  private func note(_ reason: String) {
    if lastTrouble == nil {
      services.limits.count(.openFiles)
      services.isAcceptPaused.store(true, ordering: .relaxed)
      let count = services.socketCount.load(ordering: .relaxed)
      services.logger.warning(
        "new connections wait; those that are there are served on",
        metadata: ["reason": "\(reason)", "sockets": .stringConvertible(count)])
    }
    lastTrouble = .now()
    if timer == nil { lookLater() }
  }

  private func lookLater() {
    let gate = NIOLoopBound(self, eventLoop: loop)
    timer = loop.scheduleTask(in: .milliseconds(AcceptGate.lookMilliseconds)) { gate.value.look() }
  }

  private func look() {
    timer = nil
    guard let lastTrouble else { return }
    // The last one is left for operators, whose connection needs it.
    isShort = !ReserveFile.areLeft(2)
    guard !isFull, !isShort else {
      self.lastTrouble = .now()
      return lookLater()
    }
    goOn?()
    // Going on may have met with trouble again.
    guard timer == nil else { return }
    guard NIODeadline.now() - lastTrouble > AcceptGate.calm else { return lookLater() }
    self.lastTrouble = nil
    services.isAcceptPaused.store(false, ordering: .relaxed)
    services.logger.notice("connections are accepted again")
  }
}
