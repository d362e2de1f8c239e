#if TLS
  import NIOSSL

  /// A chain of certificates, the leaf first, with the leaf's private key: who one side of a connection is.
  package struct TLSIdentity: Sendable {
    package let chain: [NIOSSLCertificate]
    package let key: NIOSSLPrivateKey
    /// Of the leaf.
    package let facts: CertificateFacts

    /// Both in PEM.
    /// - Throws: `PEMFault`, also if the two do not belong together.
    package init(chain: [UInt8], key: [UInt8]) throws(PEMFault) {
      self.chain = try PEM.certificates(chain)
      self.key = try PEM.privateKey(key)
      facts = CertificateFacts(self.chain[0])
      try TLSIdentity.check(self.chain, self.key)
    }

    /// The library compares a key with its certificate when it makes a context of them.
    private static func check(_ chain: [NIOSSLCertificate], _ key: NIOSSLPrivateKey) throws(PEMFault) {
      do {
        _ = try NIOSSLContext(
          configuration: .makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key)))
      } catch {
        let word = TLSErrorText.word(error)
        throw word.contains("MISMATCH") || word.contains("failedToLoadPrivateKey") ? .keyMismatch : .unusable(word)
      }
    }
  }

  package enum PEM {
    /// At least one.
    package static func certificates(_ bytes: [UInt8]) throws(PEMFault) -> [NIOSSLCertificate] {
      let text = String(decoding: bytes, as: UTF8.self)
      guard text.contains("-----BEGIN CERTIFICATE-----") || text.contains("-----BEGIN TRUSTED CERTIFICATE-----") else {
        throw .noCertificate
      }
      do {
        let certificates = try NIOSSLCertificate.fromPEMBytes(bytes)
        guard !certificates.isEmpty else { throw PEMFault.badCertificate }
        return certificates
      } catch {
        throw .badCertificate
      }
    }

    fileprivate static func privateKey(_ bytes: [UInt8]) throws(PEMFault) -> NIOSSLPrivateKey {
      let text = String(decoding: bytes, as: UTF8.self)
      guard text.contains("PRIVATE KEY-----") else { throw .noKey }
      guard !text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----"), !text.contains("Proc-Type: 4,ENCRYPTED") else {
        throw .encryptedKey
      }
      do {
        return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
      } catch {
        throw .badKey
      }
    }
  }

  extension CertificateFacts {
    package init(_ certificate: NIOSSLCertificate) {
      let names = (try? certificate.toDERBytes()).flatMap { DistinguishedNames(der: $0) }
      self.init(
        subject: names?.subject ?? "?", issuer: names?.issuer ?? "?",
        names: certificate._subjectAlternativeNames().compactMap(CertificateFacts.name),
        commonName: names?.commonName, notBefore: Int64(certificate.notValidBefore),
        notAfter: Int64(certificate.notValidAfter))
    }

    private static func name(_ name: _SubjectAlternativeName) -> Name? {
      let kind: Name.Kind
      switch name.nameType {
      case .uri: kind = .uri
      case .dnsName: kind = .dns
      case .email: kind = .email
      default: return nil
      }
      return Name(kind, name.contents.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) })
    }
  }

  /// What went wrong in a library error, by the words that it has for it: it keeps the numbers to itself.
  package enum TLSErrorText {
    package static func stack(_ error: any Error) -> String {
      switch error {
      case NIOSSLError.handshakeFailed(let inner), NIOSSLError.shutdownFailed(let inner): stack(inner)
      case BoringSSLError.sslError(let stack), BoringSSLError.unknownError(let stack):
        stack.map(\.description).joined(separator: "; ")
      default: "\(error)"
      }
    }

    /// The library's own word for the first fault, such as `WRONG_VERSION_NUMBER`, without places in its source.
    package static func word(_ error: any Error) -> String {
      let text = stack(error)
      guard let range = text.firstRange(of: "OPENSSL_internal:") else { return text }
      return String(text[range.upperBound...].prefix { $0 != " " && $0 != ";" })
    }
  }
#endif
