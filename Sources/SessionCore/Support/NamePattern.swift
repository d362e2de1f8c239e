/// A name, or the beginning of names with `*` behind it.
public struct NamePattern: Sendable, Equatable, CustomStringConvertible {
  private let prefix: [UInt8]
  private let isPrefix: Bool

  public init(_ text: String) {
    isPrefix = text.utf8.last == UInt8(ascii: "*")
    prefix = Array(isPrefix ? text.utf8.dropLast() : text.utf8[...])
  }

  public func matches(_ name: String) -> Bool {
    isPrefix ? name.utf8.starts(with: prefix) : name.utf8.elementsEqual(prefix)
  }

  /// Whether every name that `other` matches is matched by this one too.
  public func covers(_ other: NamePattern) -> Bool {
    isPrefix ? other.prefix.starts(with: prefix) : self == other
  }

  public var description: String { String(decoding: prefix, as: UTF8.self) + (isPrefix ? "*" : "") }
}
