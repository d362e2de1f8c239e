/// One header line.
public struct HTTPField: Sendable, Equatable {
  public var name: String
  public var value: String

  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }

  /// Whether the name is a token and the value holds no control character: RFC 9110 sections 5.1 and 5.5. One that
  /// is not could end its line and begin another.
  public var isLegal: Bool { Grammar.isToken(name.utf8) && value.utf8.allSatisfy(Grammar.isText) }
}

extension HTTPField {
  /// `field-line`: RFC 9112 section 5. Folding (5.2) and blanks before the colon (5.1) are refused, since two
  /// readers of them may understand two messages. The name is in lower case then.
  init(line: [UInt8]) throws(HTTPHeadError.Problem) {
    guard let first = line.first, first != Grammar.space, first != Grammar.tab else { throw .foldedLine }
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw .missingColon }
    let name = line[..<colon]
    guard name.last != Grammar.space, name.last != Grammar.tab else { throw .blankBeforeColon }
    guard Grammar.isToken(name) else { throw .badFieldName }
    self.init(Grammar.lowercased(name), Grammar.text(Grammar.trimmed(line[(colon + 1)...])))
  }
}

/// The header lines of a received head, in order, names in lower case.
public struct HTTPFields: Sendable, Equatable {
  public private(set) var lines: [HTTPField]

  public init(_ lines: [HTTPField] = []) {
    // Those of a received head are so already.
    self.lines = lines.map {
      Grammar.hasUppercase($0.name.utf8) ? HTTPField(Grammar.lowercased($0.name.utf8), $0.value) : $0
    }
  }

  /// The values of all lines of this name, without the blanks around them.
  public func values(of name: String) -> [String] {
    let name = Grammar.lowercased(name.utf8)
    var values: [String] = []
    for line in lines where Grammar.isSame(line.name, name) { values.append(line.value) }
    return values
  }

  /// The elements of a field that is a list, over all its lines, empty ones left out: RFC 9110 section 5.6.1.
  public func elements(of name: String) -> [String] {
    values(of: name).flatMap { value in
      value.utf8.split(separator: UInt8(ascii: ",")).map { Grammar.trimmed($0) }
        .filter { !$0.isEmpty }.map { Grammar.text($0) }
    }
  }

  /// Whether a field that is a list has this element; case does not matter.
  public func contains(_ element: String, in name: String) -> Bool {
    let element = Grammar.lowercased(element.utf8)
    return elements(of: name).contains { Grammar.isSame(Grammar.lowercased($0.utf8), element) }
  }
}

extension HTTPFields: CustomStringConvertible {
  /// Names only: values such as that of `Authorization` are not for logs.
  public var description: String { lines.map(\.name).joined(separator: ", ") }
}
