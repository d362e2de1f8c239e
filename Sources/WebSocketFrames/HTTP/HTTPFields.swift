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
    self.lines = lines.map { HTTPField(Grammar.lowercased($0.name), $0.value) }
  }

  /// - Parameter lines: names in lower case.
  init(received lines: [HTTPField]) { self.lines = lines }

  /// The values of all lines of this name, without the blanks around them.
  public func values(of name: String) -> [String] {
    let name = Grammar.lowercased(name)
    let byteCount = name.utf8.count
    var values: [String] = []
    // A dozen names are looked up in each request, and most are of another length: a line is not counted for that.
    for place in lines.indices where lines[place].name.utf8.count == byteCount {
      if Grammar.isSame(lines[place].name, name) { values.append(lines[place].value) }
    }
    return values
  }

  /// The elements of a field that is a list, over all its lines, empty ones left out: RFC 9110 section 5.6.1.
  public func elements(of name: String) -> [String] {
    values(of: name).flatMap { value in
      // Mostly there is one, without blanks around it.
      if !value.utf8.contains(where: { $0 == UInt8(ascii: ",") || $0 == Grammar.space || $0 == Grammar.tab }) {
        return value.isEmpty ? [] : [value]
      }
      return value.utf8.split(separator: UInt8(ascii: ",")).map { Grammar.trimmed($0) }
        .filter { !$0.isEmpty }.map { Grammar.text($0) }
    }
  }

  /// Whether a field that is a list has this element; case does not matter.
  public func contains(_ element: String, in name: String) -> Bool {
    let element = Grammar.lowercased(element)
    return elements(of: name).contains { Grammar.isSame(Grammar.lowercased($0), element) }
  }
}

extension HTTPFields: CustomStringConvertible {
  /// Names only: values such as that of `Authorization` are not for logs.
  public var description: String { lines.map(\.name).joined(separator: ", ") }
}
