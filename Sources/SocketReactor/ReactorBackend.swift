/// The kernel's interfaces that a loop can use.
public enum ReactorBackend: String, Sendable, CaseIterable {
  case epoll

  /// Those that work here, the best first.
  public static let usable: [ReactorBackend] = [.epoll]
}
