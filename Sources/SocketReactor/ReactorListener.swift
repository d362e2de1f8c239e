import CReactor
import Glibc
import NIOCore

/// What becomes of connections that wait at a listening socket. Called on the loop of the listener.
public protocol ConnectionTaker: AnyObject {
  /// Whether one more may be accepted now. If not, the listener pauses until it is resumed.
  func mayAccept() -> Bool
  /// A connection was accepted: its descriptor, which does not block and is the taker's from now on.
  func accepted(_ descriptor: Int32)
  /// None was accepted; the errno says why. For want of files or memory the listener has paused, until it is resumed.
  func acceptFailed(_ number: Int32)
}

/// A listening socket of a `ReactorLoop`. Used on its loop only.
public final class ReactorListener: PolledDescriptor {
  let number: Int32
  var token: UInt64 = 0
  private let loop: ReactorLoop
  private var taker: (any ConnectionTaker)?
  private(set) var isAccepting = true
  /// The ring's: whether it will hear when somebody waits.
  var isPolled = false
  var isReceivedFrom: Bool { false }
  var isHeld: Bool { false }
  private var isClosed = false

  /// Connections that are accepted in one turn, so that those that are there are served too.
  private static let turnCount = 64
  init(number: Int32, loop: ReactorLoop, taker: any ConnectionTaker) {
    (self.number, self.loop, self.taker) = (number, loop, taker)
  }

  /// Accepts nothing until `resume`; connections wait in the kernel.
  public func pause() { setAccepting(false) }

  public func resume() { setAccepting(true) }

  private func setAccepting(_ isAccepting: Bool) {
    guard !isClosed, self.isAccepting != isAccepting else { return }
    self.isAccepting = isAccepting
    loop.poller.interestChanged(self)
  }

  func inputIsReady(_ input: UnsafeMutableRawBufferPointer, isOver: Bool) {
    for _ in 0..<ReactorListener.turnCount {
      guard !isClosed, isAccepting, let taker else { return }
      guard taker.mayAccept() else { return pause() }
      let descriptor = reactor_accept(number)
      if descriptor >= 0 {
        taker.accepted(descriptor)
      } else if !failed(-descriptor, taker) {
        return
      }
    }
  }

  /// Whether to try the next one at once.
  private func failed(_ number: Int32, _ taker: any ConnectionTaker) -> Bool {
    switch number {
    case EAGAIN: return false
    case EMFILE, ENFILE, ENOBUFS, ENOMEM:
      pause()
      taker.acceptFailed(number)
      return false
    // What else can be wrong concerns the connection that was to be accepted: accept(2), "Error handling".
    default:
      taker.acceptFailed(number)
      return true
    }
  }

  func outputIsReady() {}

  /// No connection is accepted any more.
  public func close() { loopEnds() }

  func loopEnds() {
    guard !isClosed else { return }
    isClosed = true
    taker = nil
    loop.poller.remove(self)
  }
}
