import Logging
import NIOCore
import SessionTLS
import Synchronization

#if TLS
  import NIOSSL

  /// Holds the certificates that new handshakes use, and reads them anew. Connections that are there keep theirs.
  final class TLSKeeper: Sendable {
    private struct State {
      var context: NIOSSLContext
      var facts: CertificateFacts
    }

    private let settings: TLSSettings
    private let logger: Logger
    private let state: Mutex<State>
    let tally = HandshakeTally()

    /// How long a close may wait for the peer's close_notify.
    private static let closeMilliseconds: Int64 = 400

    /// - Throws: `ServerError.tls`.
    init(_ settings: TLSSettings, _ logger: Logger) throws(ServerError) {
      (self.settings, self.logger) = (settings, logger)
      state = Mutex(try TLSKeeper.load(settings))
      warn(state.withLock { $0.facts })
    }

    var figures: TLSFigures {
      TLSFigures(
        certificate: state.withLock { $0.facts }, succeededCount: tally.succeededCount, failures: tally.failures,
        now: WallClock.milliseconds() / 1_000)
    }

    /// A file that is wrong is logged, and what was read before stays.
    func reload() {
      do throws(ServerError) {
        let new = try TLSKeeper.load(settings)
        state.withLock { $0 = new }
        logger.notice("certificate reloaded", metadata: TLSKeeper.metadata(new.facts))
        warn(new.facts)
      } catch {
        logger.error("certificate not reloaded, the former one stays", metadata: ["error": "\(error)"])
      }
    }

    /// Puts TLS in front of whatever handler is added to the channel next.
    func secure(_ channel: any Channel) throws {
      let context = state.withLock { $0.context }
      let door = TLSDoor(tally)
      let pipeline = channel.pipeline.syncOperations
      try pipeline.addHandler(door)
      try pipeline.addHandler(NIOSSLServerHandler(context: context))
      try pipeline.addHandler(TLSGate(tally, door, logger))
    }

    // MARK: Files

    private static func load(_ settings: TLSSettings) throws(ServerError) -> State {
      let chain = try read(settings.certificatePath) { file throws(CredentialFileFault) in try file.requireIntegrity() }
      let key = try read(settings.keyPath) { file throws(CredentialFileFault) in try file.requireSecrecy() }
      let identity: TLSIdentity
      do throws(PEMFault) {
        identity = try TLSIdentity(chain: chain, key: key)
      } catch {
        let text = error == .keyMismatch
          ? "\(settings.certificatePath) and \(settings.keyPath): \(error)"
          : "\(error.isOfKey ? settings.keyPath : settings.certificatePath): \(error)"
        throw .tls(text)
      }
      return State(context: try context(settings, identity), facts: identity.facts)
    }

    private static func context(_ settings: TLSSettings, _ identity: TLSIdentity) throws(ServerError) -> NIOSSLContext {
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: identity.chain.map { .certificate($0) }, privateKey: .privateKey(identity.key))
      configuration.minimumTLSVersion = settings.minimumVersion == .tls13 ? .tlsv13 : .tlsv12
      configuration.applicationProtocols = ["http/1.1"]
      configuration.shutdownTimeout = .milliseconds(closeMilliseconds)
      if let path = settings.clientAuthoritiesPath {
        let bytes = try read(path) { file throws(CredentialFileFault) in try file.requireIntegrity() }
        do throws(PEMFault) {
          configuration.trustRoots = .certificates(try PEM.certificates(bytes))
        } catch {
          throw .tls("\(path): \(error)")
        }
        configuration.certificateVerification =
          settings.clientAuthentication == .required ? .noHostnameVerification : .optionalVerification
        configuration.sendCANameList = true
      }
      do {
        return try NIOSSLContext(configuration: configuration)
      } catch {
        throw .tls("\(settings.certificatePath): cannot be used: \(TLSErrorText.word(error))")
      }
    }

    private static func read(
      _ path: String, _ judge: (CredentialFile) throws(CredentialFileFault) -> Void
    ) throws(ServerError) -> [UInt8] {
      do throws(CredentialFileFault) {
        let file = try CredentialFile(path)
        try judge(file)
        return file.bytes
      } catch {
        throw .tls("\(error)")
      }
    }

    // MARK: Words

    /// Days before the end from which on every start and reload tells of it.
    private static let warningDays: Int64 = 14

    private func warn(_ facts: CertificateFacts) {
      let now = WallClock.milliseconds() / 1_000
      let metadata = TLSKeeper.metadata(facts)
      if facts.notAfter < now {
        logger.warning("the certificate has expired: clients will refuse it", metadata: metadata)
      } else if facts.notBefore > now {
        logger.warning("the certificate is not valid yet: clients will refuse it", metadata: metadata)
      } else if facts.daysLeft(at: now) < TLSKeeper.warningDays {
        logger.warning("the certificate expires soon", metadata: metadata)
      }
    }

    private static func metadata(_ facts: CertificateFacts) -> Logger.Metadata {
      [
        "subject": "\(facts.subject)", "not_before": "\(CertificateFacts.date(facts.notBefore))",
        "not_after": "\(CertificateFacts.date(facts.notAfter))",
      ]
    }
  }
#else
  /// Nothing holds certificates in a build without TLS.
  final class TLSKeeper: Sendable {
    init(_ settings: TLSSettings, _ logger: Logger) throws(ServerError) {
      throw .tls("this server was built without TLS; build it with the package trait TLS")
    }

    var figures: TLSFigures { preconditionFailure("there is no such object: its initializer throws") }
    func reload() {}
    func secure(_ channel: any Channel) throws {}
  }
#endif
