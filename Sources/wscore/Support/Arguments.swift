import ArgumentParser

extension Duration: @retroactive ExpressibleByArgument {
  public init?(argument: String) {
    guard let value = Quantity.duration(argument) else { return nil }
    self = value
  }

  public var defaultValueDescription: String { Quantity.text(self) }
}

/// A size on the command line: `64KiB`, `1MiB`, `512B`.
package struct ByteCount: Equatable, Sendable, ExpressibleByArgument {
  package var bytes: Int

  package init(_ bytes: Int) { self.bytes = bytes }

  package init?(argument: String) {
    guard let bytes = Quantity.byteCount(argument) else { return nil }
    self.bytes = bytes
  }

  package var defaultValueDescription: String {
    for (unit, length) in [("GiB", 1_073_741_824), ("MiB", 1_048_576), ("KiB", 1024)]
    where bytes != 0 && bytes % length == 0 {
      return "\(bytes / length)\(unit)"
    }
    return "\(bytes)B"
  }
}

/// A rate on the command line: `5000/s`, `300/m`.
package struct Rate: Equatable, Sendable, ExpressibleByArgument {
  package var perSecond: Double

  package init(perSecond: Double) { self.perSecond = perSecond }

  package init?(argument: String) {
    guard let perSecond = Quantity.rate(argument) else { return nil }
    self.perSecond = perSecond
  }

  package var defaultValueDescription: String {
    perSecond == perSecond.rounded() && perSecond < 1e15 ? "\(Int(perSecond))/s" : "\(perSecond)/s"
  }
}

extension Style.Choice: ExpressibleByArgument {}

/// How an argument of each kind is written, by the name that its placeholder has in the help (`valueName`).
enum ArgumentHint {
  private static let byPlaceholder = [
    "<duration>": "A duration is a number with a unit, for example 250ms, 30s or 2m.",
    "<size>": "A size is a number with a unit, for example 512B, 64KiB or 1MiB.",
    "<rate>": "A rate is a number per time, for example 5000/s or 300/m.",
    "<host:port>": "An address is a host and a port, for example 127.0.0.1:8080 or [::1]:8080.",
  ]

  /// The hint that fits the parser's message, which names the option with its placeholder.
  static func forMessage(_ message: String) -> String? {
    byPlaceholder.first { message.contains($0.key) }?.value
  }
}
