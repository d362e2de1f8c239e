import ArgumentParser
import SessionServer

/// TLS on the network's address.
struct TLSOptions: ServeOptionGroup {
  @Option(help: .serve("tls-cert"), completion: .file()) var tlsCert: String?
  @Option(help: .serve("tls-key"), completion: .file()) var tlsKey: String?
  @Option(help: .serve("tls-min-version"), completion: .list(TLSSettings.Version.allCases.map(\.rawValue)))
  var tlsMinVersion: String?
  @Option(help: .serve("tls-client-ca"), completion: .file()) var tlsClientCa: String?
  @Option(
    help: .serve("tls-client-auth"), completion: .list(TLSSettings.ClientAuthentication.allCases.map(\.rawValue)))
  var tlsClientAuth: String?
  @Option(help: .serve("tls-subject-file"), completion: .file()) var tlsSubjectFile: String?

  var given: [(name: String, text: String?)] {
    [
      ("tls-cert", tlsCert),
      ("tls-key", tlsKey),
      ("tls-min-version", tlsMinVersion),
      ("tls-client-ca", tlsClientCa),
      ("tls-client-auth", tlsClientAuth),
      ("tls-subject-file", tlsSubjectFile),
    ]
  }
}

extension ServeOption {
  static var tls: [ServeOption] {
    [
      text("tls-cert", "path", \.tls.certificatePath,
        "Speak TLS (wss://) with this chain of certificates in PEM, the server's own first; SIGHUP reads it again."),
      text("tls-key", "path", \.tls.keyPath, "The private key of the first certificate, in PEM."),
      choice("tls-min-version", fallback: "1.2", "The oldest version of TLS that is spoken.") {
        $0.tls.minimumVersion = $1
      },
      text("tls-client-ca", "path", \.tls.clientAuthoritiesPath,
        "Ask clients for a certificate of these authorities, in PEM."),
      choice("tls-client-auth", fallback: "required with --tls-client-ca", "Whether a client may come without one.") {
        $0.tls.clientAuthentication = $1
      },
      text("tls-subject-file", "path", \.tls.subjectFile,
        "Subjects of client certificates and their users, one a line: SUBJECT USER [PERMISSION…].")
        .only(with: .tls),
    ]
  }
}

/// What was said of TLS, before it is known whether it fits together.
struct ServeTLSSettings {
  var certificatePath: String?
  var keyPath: String?
  var minimumVersion: TLSSettings.Version?
  var clientAuthoritiesPath: String?
  var clientAuthentication: TLSSettings.ClientAuthentication?
  /// Nil: a user is called as the certificate says, and may do everything.
  var subjectFile: String?

  /// Nil where there is to be none.
  var server: TLSSettings? {
    guard let certificatePath, let keyPath else { return nil }
    var settings = TLSSettings(certificatePath: certificatePath, keyPath: keyPath)
    settings.minimumVersion = minimumVersion ?? settings.minimumVersion
    settings.clientAuthoritiesPath = clientAuthoritiesPath
    settings.clientAuthentication = clientAuthentication ?? settings.clientAuthentication
    return settings
  }

  /// What contradicts itself or is missing.
  func contradiction(_ settings: ServeSettings) -> String? {
    guard (certificatePath == nil) == (keyPath == nil) else {
      return "--tls-cert and --tls-key go together, and --\(keyPath == nil ? "tls-key" : "tls-cert") is missing"
    }
    let isOn = certificatePath != nil
    if isOn, !settings.server.listensOnNetwork {
      return "--tls-cert is for an address of the network, and --listen names none"
    }
    if minimumVersion != nil, !isOn { return "--tls-min-version needs --tls-cert and --tls-key" }
    if clientAuthoritiesPath != nil, !isOn { return "--tls-client-ca needs --tls-cert and --tls-key" }
    if clientAuthentication != nil, clientAuthoritiesPath == nil { return "--tls-client-auth needs --tls-client-ca" }
    if settings.authentication == .tls, clientAuthoritiesPath == nil { return "--auth tls needs --tls-client-ca PATH" }
    return nil
  }
}
