import Glibc

/// Standard input, output and error keep their numbers. Where one is closed at the start, the next socket or timer
/// would be given its number: a script would be read from it, and results or log lines would be written into it.
enum StandardDescriptors {
  /// Puts something in the place of each that is closed: input is at its end, and a write fails as it does when closed.
  static func hold() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest free number is this one, for those below are taken. Without /dev/null it stays closed, as it was.
      _ = open("/dev/null", O_RDONLY)
    }
  }
}
