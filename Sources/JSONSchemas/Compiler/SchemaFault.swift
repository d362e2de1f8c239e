/// Why a file cannot be taken as a schema.
public struct SchemaFault: Error, Equatable, Sendable, CustomStringConvertible {
  /// Where in the file.
  public enum Place: Equatable, Sendable {
    case file
    /// The file is not JSON.
    case line(Int, column: Int)
    /// A JSON pointer.
    case pointer(String)
  }

  public var file: String
  public var place: Place
  public var text: String
  /// The keyword that is not known, for a suggestion.
  public var unknownKeyword: String?

  public init(file: String, place: Place = .file, text: String, unknownKeyword: String? = nil) {
    (self.file, self.place, self.text, self.unknownKeyword) = (file, place, text, unknownKeyword)
  }

  public var description: String {
    switch place {
    case .file: "\(file): \(text)"
    case .line(let line, let column): "\(file):\(line):\(column): \(text)"
    case .pointer(let pointer): "\(file)#\(pointer): \(text)"
    }
  }
}

/// All that is wrong with a set of files, in the order of their names.
public struct SchemaFaults: Error, Sendable, CustomStringConvertible {
  public var faults: [SchemaFault]

  public init(_ faults: [SchemaFault]) { self.faults = faults }

  public var description: String { faults.map(\.description).joined(separator: "\n") }
}
