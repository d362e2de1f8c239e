import CReactor
import Glibc

/// Something that the kernel did not do.
public struct ReactorFault: Error, CustomStringConvertible {
  public var call: String
  /// The system's number of the error.
  public var number: Int32

  package init(call: String, number: Int32) { (self.call, self.number) = (call, number) }

  public var description: String { "\(call): \(String(cString: strerror(number)))" }
}

/// An eventfd(2), by which other threads wake a loop. Closed when nobody can signal it any more, so that the number is
/// never another file's while somebody means this one.
final class EventDescriptor: Sendable {
  let number: Int32

  init() throws(ReactorFault) {
    number = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
    guard number >= 0 else { throw ReactorFault(call: "eventfd", number: errno) }
  }

  deinit { Glibc.close(number) }

  func signal() {
    var one: UInt64 = 1
    // It fails when its counter is full, with which it has been signalled all the same.
    _ = Glibc.write(number, &one, 8)
  }
}
