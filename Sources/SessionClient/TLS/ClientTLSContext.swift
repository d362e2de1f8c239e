#if TLS
  import NIOCore
  import NIOSSL
  import SessionTLS

  #if canImport(Glibc)
    import Glibc
  #elseif canImport(Musl)
    import Musl
  #elseif canImport(Darwin)
    import Darwin
  #endif

  /// The library's part of `ClientTLS`, and the meaning of its errors.
  struct ClientTLSContext: Sendable {
    private let context: NIOSSLContext

    /// How long a close may wait for the peer's close_notify.
    private static let closeMilliseconds: Int64 = 1_000

    init(_ settings: ClientTLS.Settings) throws(ClientTLSError) {
      var configuration = TLSConfiguration.makeClientConfiguration()
      configuration.minimumTLSVersion = .tlsv12
      configuration.applicationProtocols = ["http/1.1"]
      configuration.shutdownTimeout = .milliseconds(ClientTLSContext.closeMilliseconds)
      configuration.certificateVerification = settings.verifiesServer ? .fullVerification : .none
      var part = ClientTLSError.Part.authorities
      do throws(PEMFault) {
        if let authorities = settings.authorities {
          configuration.trustRoots = .certificates(try PEM.certificates(authorities))
        }
        part = .certificate
        if let chain = settings.certificateChain, let key = settings.key {
          let identity = try TLSIdentity(chain: chain, key: key)
          configuration.certificateChain = identity.chain.map { .certificate($0) }
          configuration.privateKey = .privateKey(identity.key)
        }
      } catch {
        throw ClientTLSError(part: error.isOfKey ? .key : part, description: error.description)
      }
      do {
        context = try NIOSSLContext(configuration: configuration)
      } catch {
        throw ClientTLSError(part: part, description: "cannot be used: \(TLSErrorText.word(error))")
      }
    }

    func secure(_ channel: any Channel, host: String) throws {
      // An address is no name, and is compared with the peer's address instead (RFC 6066 section 3).
      let name = (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
      try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
    }

    /// From the place of TLS in the pipeline the call goes to the socket at once.
    static func cut(_ channel: any Channel) {
      guard let place = try? channel.pipeline.syncOperations.context(handlerType: NIOSSLClientHandler.self) else {
        return channel.close(promise: nil)
      }
      place.close(promise: nil)
    }

    // MARK: Errors

    static func fault(_ error: any Error, _ channel: (any Channel)?, host: String) -> TLSFault? {
      if let error = error as? NIOSSLExtraError {
        return error == .failedToValidateHostname ? .wrongHost(host, certified: certificate(channel)?.hosts ?? []) : nil
      }
      if let error = error as? NIOSSLError, error == .unableToValidateCertificate || error == .noCertificateToValidate {
        return .untrusted("it cannot be compared with the host")
      }
      let text = TLSErrorText.stack(error)
      let has = { (words: [String]) in words.contains { text.contains($0) } }
      if has(["CERTIFICATE_VERIFY_FAILED"]) { return untrusted(certificate(channel)) }
      if has(["WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "NOT_TLS"]) { return .plaintextServer }
      if has(["UNSUPPORTED_PROTOCOL", "ALERT_PROTOCOL_VERSION", "NO_SHARED_CIPHER", "ALERT_INSUFFICIENT_SECURITY"]) {
        return .version
      }
      if has(["ALERT_CERTIFICATE_REQUIRED"]) { return .certificateRequired }
      let refusals = [
        "ALERT_UNKNOWN_CA", "ALERT_BAD_CERTIFICATE", "ALERT_CERTIFICATE_EXPIRED", "ALERT_CERTIFICATE_REVOKED",
        "ALERT_CERTIFICATE_UNKNOWN", "ALERT_UNSUPPORTED_CERTIFICATE", "ALERT_ACCESS_DENIED",
      ]
      if let refusal = refusals.first(where: text.contains) { return .certificateRefused(word(refusal)) }
      // Before TLS 1.3 a missing certificate has no alert of its own.
      let ends = [
        "ALERT_HANDSHAKE_FAILURE", "ALERT_UNRECOGNIZED_NAME", "ALERT_NO_APPLICATION_PROTOCOL", "ALERT_ILLEGAL_PARAMETER",
        "ALERT_DECODE_ERROR", "ALERT_DECRYPT_ERROR", "ALERT_MISSING_EXTENSION",
      ]
      return ends.first(where: text.contains).map { .handshakeRefused(word($0)) }
    }

    /// `unknown ca` of `ALERT_UNKNOWN_CA`.
    private static func word(_ alert: String) -> String {
      alert.dropFirst(6).lowercased().replacing("_", with: " ")
    }

    /// The library says no more than that the verification failed; the certificate tells the rest.
    private static func untrusted(_ certificate: CertificateFacts?) -> TLSFault {
      guard let certificate else { return .untrusted("its verification failed") }
      let now = Int64(time(nil))
      if certificate.notAfter < now { return .expired(since: CertificateFacts.date(certificate.notAfter)) }
      if certificate.notBefore > now { return .notYetValid(until: CertificateFacts.date(certificate.notBefore)) }
      return .unknownIssuer(certificate.issuer)
    }

    private static func certificate(_ channel: (any Channel)?) -> CertificateFacts? {
      let handler = try? channel?.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
      return handler?.peerCertificate.map { CertificateFacts($0) }
    }

    /// For errors that may pass.
    static func text(_ error: any Error) -> String? {
      switch error {
      case NIOSSLError.uncleanShutdown: "the connection was cut without the end that TLS has for it"
      case NIOSSLError.handshakeFailed(.sslError([.eofDuringHandshake])):
        "the server closed the connection during the TLS handshake: it is full, or does not speak TLS on this port"
      case is NIOSSLError, is BoringSSLError: "TLS failed: \(TLSErrorText.word(error))"
      case is NIOSSLCloseTimedOutError: "the server did not end TLS in time"
      default: nil
      }
    }
  }

  extension CertificateFacts {
    /// The hosts that it is for; the common name counts where no other name does.
    fileprivate var hosts: [String] {
      let hosts = names.filter { $0.kind == .dns }.map(\.text)
      return hosts.isEmpty ? commonName.map { [$0] } ?? [] : hosts
    }
  }
#endif
