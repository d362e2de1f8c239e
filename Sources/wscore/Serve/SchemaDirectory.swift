import Glibc
import JSONSchemas

/// The files of `--schemas`.
enum SchemaDirectory {
  static let maxFileCount = 4_096
  static let maxFileByteCount = 1 << 20

  /// Schemas out of a directory, and what was left alone in it.
  /// - Throws: `CLIError` of the last mistake, after the others were written to standard error; 78.
  static func load(_ path: String, stepCount: Int) throws(CLIError) -> (schemas: SchemaSet, passedOver: [String]) {
    let names = try list(path)
    let chosen = names.filter { $0.hasSuffix(".json") }
    guard !chosen.isEmpty else { throw fault("\(path): no file is EVENT.json or EVENT@VERSION.json") }
    guard chosen.count <= maxFileCount else { throw fault("\(path): more than \(maxFileCount) files") }
    var files: [SchemaSet.File] = []
    for name in chosen { files.append(SchemaSet.File(name: name, bytes: try read("\(path)/\(name)"))) }
    do throws(SchemaFaults) {
      return (try SchemaSet(files, stepCount: stepCount), names.filter { !$0.hasSuffix(".json") })
    } catch {
      throw report(error.faults, path)
    }
  }

  private static func list(_ path: String) throws(CLIError) -> [String] {
    guard let directory = opendir(path) else {
      throw fault("cannot read the directory \(path): \(String(cString: strerror(errno)))")
    }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  private static func read(_ path: String) throws(CLIError) -> [UInt8] {
    let bytes: [UInt8]
    do throws(CLIError) {
      bytes = try FileText.read(path)
    } catch {
      throw CLIError(error.what, why: error.why, next: error.next, status: .configuration)
    }
    guard bytes.count <= maxFileByteCount else { throw fault("\(path): longer than \(maxFileByteCount >> 20) MiB") }
    return bytes
  }

  private static func fault(_ text: String) -> CLIError {
    CLIError(text, next: "docs/SCHEMAS.md says what the directory holds.", status: .configuration)
  }

  private static func report(_ faults: [SchemaFault], _ path: String) -> CLIError {
    let errors = faults.map { fault in
      CLIError(DisplayWidth.printable("\(path)/\(fault)"), why: suggestion(fault), status: .configuration)
    }
    let style = Style(.auto, descriptor: STDERR_FILENO)
    for error in errors.dropLast() { try? LineOutput.standardError.write(error.rendered(style)) }
    var last = errors.last ?? fault("\(path): no schema")
    if errors.count > 1 { last.what += "; \(errors.count) errors, nothing started" }
    last.next = "docs/SCHEMAS.md lists what a schema may say."
    return last
  }

  private static func suggestion(_ fault: SchemaFault) -> String? {
    guard let word = fault.unknownKeyword else { return nil }
    return Suggestion.nearest(to: word, among: Keyword.allCases.map(\.rawValue)).map { "Did you mean \"\($0)\"?" }
  }
}
