import ArgumentParser
import SessionClient
import SessionServer

/// TLS of client and load.
struct ClientTLSOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Authorities to trust for wss://, in PEM, instead of the system's.", valueName: "file"),
    completion: .file())
  var tlsCa: String?

  @Flag(help: "Believe any server's certificate: for tests, since anyone in between could read and write.")
  var insecure = false

  @Option(
    help: ArgumentHelp("Certificate to show to servers that ask for one, in PEM, its chain behind it.", valueName: "file"),
    completion: .file())
  var tlsCert: String?

  @Option(help: ArgumentHelp("The private key of --tls-cert, in PEM.", valueName: "file"), completion: .file())
  var tlsKey: String?

  func validate() throws {
    guard !insecure || tlsCa == nil else { throw ValidationError("--insecure and --tls-ca contradict each other") }
    guard (tlsCert == nil) == (tlsKey == nil) else { throw ValidationError("--tls-cert and --tls-key go together") }
  }

  /// - Throws: `CLIError` that names the file.
  func make() throws(CLIError) -> ClientTLS? {
    guard insecure || tlsCa != nil || tlsCert != nil else { return nil }
    var settings = ClientTLS.Settings()
    settings.verifiesServer = !insecure
    if let tlsCa { settings.authorities = try FileText.read(tlsCa) }
    if let tlsCert, let tlsKey {
      settings.certificateChain = try FileText.read(tlsCert)
      settings.key = try ClientTLSOptions.key(tlsKey)
    }
    do throws(ClientTLSError) {
      return try ClientTLS(settings)
    } catch {
      let file = switch error.part {
      case .authorities: tlsCa
      case .certificate: tlsCert
      case .key: tlsKey
      }
      throw CLIError("\(file.map { "\($0): " } ?? "")\(error)", status: .configuration)
    }
  }

  private static func key(_ path: String) throws(CLIError) -> [UInt8] {
    do throws(CredentialFileFault) {
      let file = try CredentialFile(path)
      try file.requireSecrecy()
      return file.bytes
    } catch {
      if case .unreadable = error { throw CLIError("\(error)", status: .noInput) }
      throw CLIError("\(error)", status: .configuration)
    }
  }
}

extension TLSFault {
  /// The exit status of a client that has to stop for it.
  package var status: ExitStatus {
    switch self {
    case .certificateRequired, .certificateRefused: .notPermitted
    case .notBuilt: .configuration
    case .expired, .notYetValid, .wrongHost, .unknownIssuer, .untrusted, .plaintextServer, .tlsServer, .version,
      .handshakeRefused:
      .protocolError
    }
  }

  /// What a person can do about it.
  package var advice: String {
    switch self {
    case .expired: "The server needs a new certificate. For a test, --insecure connects all the same."
    case .notYetValid: "Look at the clocks of both machines, and at the certificate."
    case .wrongHost: "Name the host as the certificate does, or have the certificate name this host."
    case .unknownIssuer, .untrusted: "Name the authority that you trust with --tls-ca FILE."
    case .plaintextServer: "Use ws://, or start the server with --tls-cert and --tls-key."
    case .tlsServer: "Use wss://."
    case .certificateRequired: "Show one with --tls-cert FILE and --tls-key FILE."
    case .certificateRefused: "See whether it is still valid, and ask the server's operator which authority signs those of clients."
    case .version: "Bring the older one of the two up to date."
    case .handshakeRefused: "It may want a client certificate, --tls-cert and --tls-key, or know another name of itself."
    case .notBuilt: "Build it with the package trait TLS."
    }
  }
}
