import Glibc
import Logging
import SessionServer

/// One setting of `wscore serve`: its flag, its variable, its default and its meaning in one place.
struct ServeOption {
  /// As in `--ping-interval`.
  var name: String
  var placeholder: String
  /// The default as people write it.
  var fallback: String?
  var help: String
  /// Whether a mistake in the value is told without it: people put passwords where they do not belong.
  var mayHoldSecret = false
  /// The one way to authenticate that it belongs to.
  var authentication: ServeSettings.Authentication?
  var apply: (inout ServeSettings, String) throws(OptionFault) -> Void

  /// As in `WSCORE_PING_INTERVAL`.
  var variable: String { "WSCORE_" + name.uppercased().replacing("-", with: "_") }

  func only(with authentication: ServeSettings.Authentication) -> ServeOption {
    var option = self
    option.authentication = authentication
    return option
  }

  func defaulting(to fallback: String) -> ServeOption {
    var option = self
    option.fallback = fallback
    return option
  }

  static func named(_ name: String) -> ServeOption? { all.first { $0.name == name } }

  /// One list for each group of options, in the order of the help.
  static var all: [ServeOption] {
    [
      listening,
      endpoint,
      tls,
      proxies,
      authentication,
      jwt,
      backends,
      admission,
      lifetimes,
      bounds,
      traffic,
      compression,
      rooms,
      events,
      operation,
    ].flatMap(\.self)
  }

  // MARK: Kinds of values

  static func text(
    _ name: String, _ placeholder: String, _ path: WritableKeyPath<ServeSettings, String?>, _ help: String
  ) -> ServeOption {
    ServeOption(name: name, placeholder: placeholder, help: help) { (settings, text) throws(OptionFault) in
      guard !text.isEmpty else { throw OptionFault("is empty") }
      settings[keyPath: path] = text
    }
  }

  static func duration(
    _ name: String, _ path: WritableKeyPath<ServeSettings, UInt64>, _ least: UInt64, _ fallback: String, _ help: String
  ) -> ServeOption {
    ServeOption(name: name, placeholder: "duration", fallback: fallback, help: help) {
      (settings, text) throws(OptionFault) in
      guard let duration = Quantity.duration(text) else {
        throw OptionFault("is not a duration; write a number with a unit, for example 250ms, 30s or 2m")
      }
      let milliseconds = UInt64(max(0, Quantity.nanoseconds(duration) / 1_000_000))
      guard milliseconds >= least else { throw OptionFault("is too short; the least is \(least)ms") }
      settings[keyPath: path] = milliseconds
    }
  }

  static func size(
    _ name: String, _ path: WritableKeyPath<ServeSettings, Int>, _ range: ClosedRange<Int>, _ fallback: String,
    _ help: String
  ) -> ServeOption {
    ServeOption(name: name, placeholder: "size", fallback: fallback, help: help) {
      (settings, text) throws(OptionFault) in
      guard let bytes = Quantity.byteCount(text) else {
        throw OptionFault("is not a size; write a number with a unit, for example 512B, 64KiB or 1MiB")
      }
      guard range.contains(bytes) else {
        throw OptionFault("is not from \(ByteCount(range.lowerBound).defaultValueDescription) to "
          + ByteCount(range.upperBound).defaultValueDescription)
      }
      settings[keyPath: path] = bytes
    }
  }

  static func count(
    _ name: String, _ path: WritableKeyPath<ServeSettings, Int>, _ range: ClosedRange<Int>, fallback: String,
    _ help: String
  ) -> ServeOption {
    ServeOption(name: name, placeholder: "number", fallback: fallback, help: help) {
      (settings, text) throws(OptionFault) in
      guard text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let number = Int(text), range.contains(number) else {
        throw OptionFault("is not a number from \(range.lowerBound) to \(range.upperBound)")
      }
      settings[keyPath: path] = number
    }
  }

  static func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ name: String, fallback: String, _ help: String, _ set: @escaping (inout ServeSettings, Choice) -> Void
  ) -> ServeOption {
    let words = Choice.allCases.map(\.rawValue)
    return ServeOption(name: name, placeholder: words.joined(separator: "|"), fallback: fallback, help: help) {
      (settings, text) throws(OptionFault) in
      guard let choice = Choice(rawValue: text) else {
        let nearest = Suggestion.nearest(to: text, among: words).map { "; did you mean \"\($0)\"?" } ?? ""
        throw OptionFault("is not one of \(words.joined(separator: ", "))\(nearest)")
      }
      set(&settings, choice)
    }
  }
}
