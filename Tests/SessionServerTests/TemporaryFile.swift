import Glibc

/// A file for the time of a test.
func withTemporaryFile<Result>(
  _ text: String, mode: mode_t = 0o600, _ body: (_ path: String) throws -> Result
) rethrows -> Result {
  let path = temporaryPath()
  defer { unlink(path) }
  write(text, to: path, mode: mode)
  return try body(path)
}

func temporaryPath() -> String { "/tmp/wscore-test-\(UInt64.random(in: 0 ... .max))" }

/// Replaces the file in one step, as an operator should.
func write(_ text: String, to path: String, mode: mode_t = 0o600) {
  let new = path + ".new"
  let descriptor = open(new, O_CREAT | O_TRUNC | O_WRONLY, mode)
  var text = text
  text.withUTF8 { bytes in _ = write(descriptor, bytes.baseAddress, bytes.count) }
  fchmod(descriptor, mode)
  close(descriptor)
  rename(new, path)
}
