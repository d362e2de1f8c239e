import Glibc

/// A descriptor that is there to be given up when one is needed.
struct ReserveFile {
  private let descriptor: Int32

  /// Nil if there is none left.
  init?() {
    descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
  }

  /// Once.
  func close() { Glibc.close(descriptor) }

  /// Whether so many more descriptors can be had.
  static func areLeft(_ count: Int) -> Bool {
    var files: [ReserveFile] = []
    defer { for file in files { file.close() } }
    while files.count < count {
      guard let file = ReserveFile() else { return false }
      files.append(file)
    }
    return true
  }
}
