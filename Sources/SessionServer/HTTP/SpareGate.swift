import Glibc
import NIOCore

/// Says when an internal server accepts: it holds one descriptor back, so that operators get through to a server whose
/// clients have taken all others. Who comes while that one is in use waits in the kernel's queue.
final class SpareGate: ChannelGate {
  private static let lookMilliseconds: Int64 = 50

  private let loop: any EventLoop
  /// Accepts again, after it was told not to.
  private var goOn: (() -> Void)?
  private var spare = ReserveFile()
  private(set) var isShort = false
  private var timer: Scheduled<Void>?

  init(loop: any EventLoop, goOn: @escaping () -> Void) { (self.loop, self.goOn) = (loop, goOn) }

  func mayAccept() -> Bool { !isShort }

  func accepted(_ channel: any Channel) {
    guard spare == nil else { return }
    let gate = NIOLoopBound(self, eventLoop: loop)
    channel.closeFuture.hop(to: loop).whenComplete { _ in gate.value.refill() }
  }

  func failed(_ number: Int32) {
    switch number {
    case EMFILE, ENFILE:
      // The listener tries again at once.
      if giveUpSpare() { return }
      wait()
    case ENOBUFS, ENOMEM: wait()
    // What else can be wrong concerns the connection that was to be accepted: accept(2), "Error handling".
    default: break
    }
  }

  func stop() {
    timer?.cancel()
    goOn = nil
    _ = giveUpSpare()
  }

  /// False if there was none.
  private func giveUpSpare() -> Bool {
    defer { spare = nil }
    return spare?.close() != nil
  }

  private func wait() {
    isShort = true
    let gate = NIOLoopBound(self, eventLoop: loop)
    timer = loop.scheduleTask(in: .milliseconds(SpareGate.lookMilliseconds)) { gate.value.look() }
  }

  private func look() {
    refill()
    if isShort { wait() }
  }

  /// Goes on when it has a descriptor to give up.
  private func refill() {
    guard let goOn else { return }
    if spare == nil { spare = ReserveFile() }
    guard isShort, spare != nil else { return }
    isShort = false
    timer?.cancel()
    goOn()
  }
}
