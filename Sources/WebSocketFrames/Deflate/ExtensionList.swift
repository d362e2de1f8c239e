/// The value of `Sec-WebSocket-Extensions`: RFC 6455 section 9.1.
///
///     extension-list = 1#extension
///     extension = extension-token *( ";" extension-param )
///     extension-param = token [ "=" (token | quoted-string) ]
package struct ExtensionList: Equatable {
  package struct Parameter: Equatable {
    var name: String
    /// Nil where there is none; a quoted one without its quotes.
    var value: String?
  }

  package struct Element: Equatable {
    var name: String
    var parameters: [Parameter]
  }

  package var elements: [Element] = []

  /// Extensions of one head that are looked at; more are passed over, as those that nobody knows are. The head is
  /// bounded already, this bounds the work for each.
  static let maxElementCount = 32

  /// Nil if the values are not of the grammar: then "the recipient of such malformed data MUST immediately _Fail the
  /// WebSocket Connection_" (9.1).
  package init?(_ values: [String]) {
    for value in values {
      var reader = Reader(bytes: Array(value.utf8))
      guard reader.readList(into: &elements) else { return nil }
    }
  }

  private struct Reader {
    let bytes: [UInt8]
    var index = 0

    mutating func readList(into elements: inout [Element]) -> Bool {
      while true {
        skipBlanks()
        // Empty elements are allowed in a list (RFC 9110 section 5.6.1.2).
        if next == UInt8(ascii: ",") {
          index += 1
          continue
        }
        guard next != nil else { return true }
        guard let element = readElement() else { return false }
        if elements.count < ExtensionList.maxElementCount { elements.append(element) }
        skipBlanks()
        guard next == nil || next == UInt8(ascii: ",") else { return false }
      }
    }

    private mutating func readElement() -> Element? {
      guard let name = readToken() else { return nil }
      var parameters: [Parameter] = []
      while true {
        skipBlanks()
        guard next == UInt8(ascii: ";") else { return Element(name: name, parameters: parameters) }
        index += 1
        skipBlanks()
        guard let parameter = readParameter() else { return nil }
        parameters.append(parameter)
      }
    }

    private mutating func readParameter() -> Parameter? {
      guard let name = readToken() else { return nil }
      skipBlanks()
      guard next == UInt8(ascii: "=") else { return Parameter(name: name, value: nil) }
      index += 1
      skipBlanks()
      guard let value = next == UInt8(ascii: "\"") ? readQuoted() : readToken() else { return nil }
      return Parameter(name: name, value: value)
    }

    /// "the value after quoted-string unescaping MUST conform to the 'token' ABNF" (9.1).
    private mutating func readQuoted() -> String? {
      index += 1
      var value: [UInt8] = []
      while let byte = next, byte != UInt8(ascii: "\"") {
        if byte == UInt8(ascii: "\\") { index += 1 }
        guard let byte = next else { return nil }
        value.append(byte)
        index += 1
      }
      guard next != nil, Grammar.isToken(value) else { return nil }
      index += 1
      return Grammar.text(value)
    }

    private mutating func readToken() -> String? {
      let rest = bytes[index...]
      let token = rest.prefix(while: Grammar.isTokenCharacter)
      guard !token.isEmpty else { return nil }
      index = token.endIndex
      return Grammar.lowercased(token)
    }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipBlanks() {
      while let byte = next, byte == Grammar.space || byte == Grammar.tab { index += 1 }
    }
  }
}
