import Glibc

/// `--out DIR`: the report as a file.
enum LoadSummary {
  /// Makes the directory, before the run: nobody wants to learn after it that there is no place for its results.
  /// - Throws: `CLIError` when it cannot be made, or not be written to.
  static func prepare(_ directory: String) throws(CLIError) {
    guard mkdir(directory, 0o777) == 0 || errno == EEXIST, access(directory, W_OK | X_OK) == 0 else {
      throw failure(directory)
    }
  }

  /// Writes `summary.json`, in place of an older one.
  /// - Throws: `CLIError` when it cannot be made.
  static func write(_ report: LoadReport, to directory: String) throws(CLIError) {
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
    CLIError(
      "cannot make \(path): \(String(cString: strerror(errno)))", next: "Name another directory with --out.",
      status: .cannotCreate)
  }
}
