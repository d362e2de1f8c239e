import SessionCore

/// The schemas of a server's events: one file for each version of an event, compiled once.
///
/// `chat.send.json` is for `chat.send` in version 1, `chat.send@2.json` for version 2. A file whose name is not of this
/// form belongs to those that refer to it by `$ref`. docs/SCHEMAS.md lists what a schema may say.
public struct SchemaSet: PayloadRules, Sendable {
  /// A file as it was read.
  public struct File: Sendable {
    /// Without its directory.
    public var name: String
    public var bytes: [UInt8]

    public init(name: String, bytes: [UInt8]) { (self.name, self.bytes) = (name, bytes) }
  }

  private struct Version: Sendable {
    var number: UInt64
    var root: Node.ID
  }

  /// Most steps for one payload: a schema applied to a value is one; long texts and numbers cost more.
  public static let defaultStepCount = 2_000_000
  /// A pointer in an error is not longer: a longer one names the value around the fault.
  public static let maxPointerByteCount = 512

  private let schemas: CompiledSchemas
  /// Sorted by version.
  private let events: [String: [Version]]
  private let bounds: Validation.Bounds

  /// - Throws: `SchemaFaults` with all that is wrong with the files.
  public init(_ files: [File], stepCount: Int = defaultStepCount) throws(SchemaFaults) {
    var values: [String: JSONValue] = [:]
    var faults: [SchemaFault] = []
    for file in files.sorted(by: { $0.name < $1.name }) {
      do throws(Malformed) {
        values[file.name] = try JSONValue(parsing: file.bytes)
      } catch {
        faults.append(SchemaSet.fault(file, error))
      }
    }
    guard faults.isEmpty else { throw SchemaFaults(faults) }
    var compiler = Compiler(values)
    schemas = try compiler.compile()
    events = try SchemaSet.events(schemas.roots, shared: compiler.sharedFiles)
    bounds = Validation.Bounds(stepCount: stepCount)
  }

  /// How many versions of events have a schema.
  public var count: Int { events.values.reduce(0) { $0 + $1.count } }

  private static func fault(_ file: File, _ error: Malformed) -> SchemaFault {
    let before = file.bytes.prefix(error.offset)
    let line = before.count { $0 == 0x0A } + 1
    let column = before.count - (before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1
    return SchemaFault(file: file.name, place: .line(line, column: column), text: "not JSON: \(error.reason)")
  }

  // MARK: Names

  private static func events(
    _ roots: [String: Node.ID], shared: Set<String>
  ) throws(SchemaFaults) -> [String: [Version]] {
    var events: [String: [Version]] = [:]
    var faults: [SchemaFault] = []
    for (name, root) in roots.sorted(by: { $0.key < $1.key }) {
      guard let (event, version) = SchemaSet.event(name) else {
        if !shared.contains(name) {
          faults.append(SchemaFault(
            file: name, text: "is not EVENT.json or EVENT@VERSION.json, and no other file refers to it"))
        }
        continue
      }
      if events[event, default: []].contains(where: { $0.number == version }) {
        faults.append(SchemaFault(file: name, text: "another file is for version \(version) of \(event) already"))
      }
      events[event, default: []].append(Version(number: version, root: root))
    }
    guard faults.isEmpty else { throw SchemaFaults(faults) }
    return events.mapValues { $0.sorted { $0.number < $1.number } }
  }

  private static func event(_ file: String) -> (name: String, version: UInt64)? {
    guard file.hasSuffix(".json") else { return nil }
    let parts = file.dropLast(5).split(separator: "@", omittingEmptySubsequences: false)
    let digits = parts.count == 2 ? parts[1] : "1"
    guard parts.count <= 2, EventName.isValid(String(parts[0])),
      let version = JSONValue.number(String(digits)).unsignedValue, version > 0, !digits.hasPrefix("0")
    else { return nil }
    return (String(parts[0]), version)
  }

  // MARK: Rules

  public func versions(of event: String) -> [UInt64] { events[event]?.map(\.number) ?? [] }

  public func fault(in payload: [UInt8], of event: String, version: UInt64) -> PayloadFault? {
    guard let root = events[event]?.first(where: { $0.number == version })?.root else { return nil }
    let value: JSONValue
    do throws(Malformed) {
      value = try JSONValue(parsing: payload)
    } catch {
      return PayloadFault(path: "", text: "\(error.reason), at byte \(error.offset) of the payload")
    }
    guard let fault = Validation.run(value, root, schemas, bounds) else { return nil }
    return PayloadFault(path: SchemaSet.pointer(fault.path), text: fault.text)
  }

  private static func pointer(_ path: [Validation.Step]) -> String {
    var pointer = ""
    for step in path {
      let next: String
      switch step {
      case .name(let name): next = "/" + Pointer.step(name)
      case .index(let index): next = "/\(index)"
      }
      guard pointer.utf8.count + next.utf8.count <= maxPointerByteCount else { break }
      pointer += next
    }
    return pointer
  }
}
