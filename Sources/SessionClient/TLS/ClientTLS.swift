import NIOCore
import SessionTLS

/// How a client speaks TLS: whom it trusts and what it shows. Made once, and shared by all of its connections.
public struct ClientTLS: Sendable {
  /// In PEM.
  public struct Settings: Sendable {
    /// The authorities that are trusted; nil for the system's.
    public var authorities: [UInt8]?
    /// False believes any server: nothing protects from one in the middle. For tests.
    public var verifiesServer = true
    /// Our own certificate and those between it and the authority, for servers that want one.
    public var certificateChain: [UInt8]?
    /// The private key of its first certificate.
    public var key: [UInt8]?

    public init() {}
  }

  #if TLS
    let context: ClientTLSContext

    /// - Throws: `ClientTLSError`.
    public init(_ settings: Settings = Settings()) throws(ClientTLSError) { context = try ClientTLSContext(settings) }

    /// For connections that were told nothing.
    private static let standard = Result { () throws(ClientTLSError) in try ClientTLS() }

    /// Puts TLS in front of whatever handler is added to the channel next.
    static func secure(_ channel: any Channel, host: String, _ tls: ClientTLS?) throws {
      try (tls ?? standard.get()).context.secure(channel, host: host)
    }

    /// What an error on the channel means; nil if trying again may help, or if it is no fault of TLS.
    static func fault(_ error: any Error, _ channel: (any Channel)?, host: String) -> TLSFault? {
      ClientTLSContext.fault(error, channel, host: host)
    }

    /// What to close for an end without another word, the one of TLS included.
    static func cut(_ channel: any Channel) { ClientTLSContext.cut(channel) }

    static func text(_ error: any Error) -> String? { ClientTLSContext.text(error) }
  #else
    /// - Throws: always: this was built without TLS.
    public init(_ settings: Settings = Settings()) throws(ClientTLSError) {
      throw ClientTLSError(part: .certificate, description: TLSFault.notBuilt.description)
    }

    static func secure(_ channel: any Channel, host: String, _ tls: ClientTLS?) throws { throw TLSFault.notBuilt }

    static func fault(_ error: any Error, _ channel: (any Channel)?, host: String) -> TLSFault? { error as? TLSFault }

    static func cut(_ channel: any Channel) { channel.close(promise: nil) }

    static func text(_ error: any Error) -> String? { nil }
  #endif

  /// Whether this was built with TLS.
  public static var isBuilt: Bool {
    #if TLS
      true
    #else
      false
    #endif
  }

  /// Whether the bytes with which an HTTP answer should begin are an alert of TLS: RFC 8446 section 6.
  static func isAlert(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.count >= 2 && bytes[0] == 21 && bytes[1] == 3 }
}
