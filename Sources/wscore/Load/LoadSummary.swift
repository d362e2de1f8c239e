import Glibc

/// `--out DIR`: the report as a file.
enum LoadSummary {
  /// Writes `summary.json`, in place of an older one.
  /// - Throws: `CLIError` when the directory or the file cannot be made.
  static func write(_ report: LoadReport, to directory: String) throws(CLIError) {
    guard mkdir(directory, 0o777) == 0 || errno == EEXIST else { throw failure(directory) }
    let path = "\(directory)/summary.json"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure(path) }
    defer { close(descriptor) }
    do throws(ExitStatus) {
      try LineOutput(descriptor).write(line: report.json.text)
    } catch {
      throw CLIError("\(path): cannot write", status: .ioError)
    }
  }

  private static func failure(_ path: String) -> CLIError {
    CLIError("\(path): \(String(cString: strerror(errno)))", status: .cannotCreate)
  }
}
