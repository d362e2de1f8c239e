import Logging
import SessionCore
import Synchronization

/// A hook that keeps what stands in a file, and can read it anew while the server runs.
public protocol ReloadableHook: Sendable {
  /// An operator asks for it (SIGHUP). A fault is logged, and what was read before stays.
  func reload() async
  /// Called every `ServerConfiguration.reloadCheckMilliseconds`: reads if the file is another.
  func reloadIfChanged() async
}

/// An authenticator made from a file, and made anew when the file changes. A file that is wrong is logged once, and the
/// authenticator that was made before stays.
///
///     let authenticator = try await ReloadingAuthenticator("tokens", logger: logger) { try TokenFile(path: $0) }
public final class ReloadingAuthenticator: ImmediateAuthenticator, ReloadableHook {
  public typealias Load = @Sendable (_ path: String) async throws -> any ImmediateAuthenticator

  private struct State {
    var authenticator: any ImmediateAuthenticator
    /// The file that was read last, well or not.
    var read: FileSignature?
    /// The file at the last look.
    var seen: FileSignature?
  }

  private let path: String
  private let logger: Logger
  private let load: Load
  private let state: Mutex<State>

  /// - Throws: what `load` throws.
  public init(_ path: String, logger: Logger, load: @escaping Load) async throws {
    (self.path, self.logger, self.load) = (path, logger, load)
    let signature = FileSignature(path)
    state = Mutex(State(authenticator: try await load(path), read: signature, seen: signature))
  }

  public func authenticateAtOnce(_ credentials: Credentials) throws -> Principal {
    try state.withLock { $0.authenticator }.authenticateAtOnce(credentials)
  }

  public func reload() async {
    // Taken before the file is read: if it is changed meanwhile, the next look sees another one.
    let signature = FileSignature(path)
    do {
      let authenticator = try await load(path)
      state.withLock { $0 = State(authenticator: authenticator, read: signature, seen: signature) }
      logger.notice("credentials reloaded", metadata: ["path": "\(path)"])
    } catch {
      state.withLock { ($0.read, $0.seen) = (signature, signature) }
      logger.error("credentials not reloaded, the former ones stay", metadata: ["error": "\(error)"])
    }
  }

  /// A change is taken at the second look, when the file is the same as at the first: then nobody is writing it.
  public func reloadIfChanged() async {
    let signature = FileSignature(path)
    let isDue = state.withLock { state in
      defer { state.seen = signature }
      return signature != state.read && signature == state.seen
    }
    if isDue { await reload() }
  }
}
