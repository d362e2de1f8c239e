/// Why TLS did not come about with a server, where trying again would end the same way.
public enum TLSFault: Error, Sendable, Equatable, CustomStringConvertible {
  /// The server's certificate has expired, at this time (RFC 3339).
  case expired(since: String)
  case notYetValid(until: String)
  /// The certificate is for other names than the host in the URL.
  case wrongHost(String, certified: [String])
  /// No authority that is trusted here has signed the server's certificate, whose issuer this is.
  case unknownIssuer(String)
  /// Something else is wrong with the server's certificate, or with one between it and the authority.
  case untrusted(String)
  /// What answers on the port of a `wss` URL does not speak TLS.
  case plaintextServer
  /// The server speaks TLS, and the URL is one of `ws`.
  case tlsServer
  /// The server wants a certificate, and none was shown.
  case certificateRequired
  /// The server turned our certificate down; the word is the alert's.
  case certificateRefused(String)
  /// No version or cipher in common.
  case version
  /// The server ended the handshake with this alert.
  case handshakeRefused(String)
  /// This program was built without TLS.
  case notBuilt

  public var description: String {
    switch self {
    case .expired(let date): "the server's certificate has expired: it was valid until \(date)"
    case .notYetValid(let date): "the server's certificate is not valid before \(date)"
    case .wrongHost(let host, let names):
      "the server's certificate is not for \(host)"
        + (names.isEmpty ? "; it names no host" : "; it is for \(names.joined(separator: ", "))")
    case .unknownIssuer(let issuer): "the issuer of the server's certificate is not trusted here: \(issuer)"
    case .untrusted(let why): "the server's certificate is not to be trusted: \(why)"
    case .plaintextServer: "the server does not speak TLS on this port"
    case .tlsServer: "the server speaks TLS on this port, and the URL begins with ws://"
    case .certificateRequired: "the server wants a client certificate"
    case .certificateRefused(let alert): "the server refused the client certificate (\(alert))"
    case .version: "the server and this client have no version of TLS in common (1.2 and 1.3 are spoken here)"
    case .handshakeRefused(let alert): "the server refused the TLS handshake (\(alert))"
    case .notBuilt: "wss:// needs TLS, and this program was built without it (package trait TLS)"
    }
  }
}

/// What is wrong with the certificates or the key that a client was given.
public struct ClientTLSError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Part: Sendable, Equatable { case authorities, certificate, key }

  public let part: Part
  /// The end of a sentence that begins with the file's name; nothing of the content is in it.
  public let description: String
}
