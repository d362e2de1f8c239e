#if HTTP
  import AsyncHTTPClient
  import Glibc
  import NIOCore
  import NIOHTTP1
  import NIOPosix
  import NIOSSL
  import SessionCore
  import SessionServer
  import WebSocketFrames

  /// Sends requests to backends, over connections that are kept for a moment. One for a server; to be shut down.
  public final class BackendClient: Sendable {
    public struct Configuration: Sendable {
      /// Certificates in PEM that are trusted besides those of the system.
      public var authorityFile: String?
      /// Shown to backends as `Authorization: Bearer`, so that they know who asks.
      public var secret: Secret?
      /// Connections to one backend.
      public var connectionCount = 128
      public var connectTimeoutMilliseconds: UInt64 = 2_000

      public init() {}
    }

    /// What is wrong with the file of certificates.
    public struct Fault: Error, Sendable, CustomStringConvertible {
      public let description: String
    }

    private let client: HTTPClient
    private let authorization: Secret?

    public init(_ configuration: Configuration = Configuration()) throws(Fault) {
      var settings = HTTPClient.Configuration(
        tlsConfiguration: try BackendClient.trust(configuration.authorityFile),
        redirectConfiguration: .disallow,
        timeout: .init(connect: .milliseconds(Int64(configuration.connectTimeoutMilliseconds))))
      settings.httpVersion = .http1Only
      settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = configuration.connectionCount
      // What was not sent is sent again by us, so often and no more; and a server that closes idle connections, after
      // 2 s and more in common ones, never closes one that is just being used.
      settings.connectionPool.retryConnectionEstablishment = false
      settings.connectionPool.idleTimeout = .seconds(1)
      settings.http1_1ConnectionDebugInitializer = { StatusGuard.add(to: $0) }
      client = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: settings)
      authorization = configuration.secret
    }

    private static func trust(_ path: String?) throws(Fault) -> TLSConfiguration {
      var tls = TLSConfiguration.makeClientConfiguration()
      tls.minimumTLSVersion = .tlsv12
      guard let path else { return tls }
      do {
        let certificates = try NIOSSLCertificate.fromPEMBytes(CredentialFile(path).bytes)
        guard !certificates.isEmpty else { throw Fault(description: "\(path) holds no certificate") }
        tls.additionalTrustRoots.append(.certificates(certificates))
        return tls
      } catch let fault as Fault {
        throw fault
      } catch let fault as CredentialFileFault {
        throw Fault(description: "\(fault)")
      } catch {
        throw Fault(description: "cannot read certificates from \(path)")
      }
    }

    /// Ends every call that is still under way.
    public func shutdown() async { try? await client.shutdown() }

    /// One attempt. `limit`: bytes of the answer's body.
    func post(_ request: BackendRequest, timeout: Duration, limit: Int) async throws(BackendFailure) -> BackendAnswer {
      var post = HTTPClientRequest(url: request.url.text)
      post.method = .POST
      post.headers.add(name: "Content-Type", value: "application/json")
      post.headers.add(name: "Accept", value: "application/json, \(RouteAnswer.outcomeType)")
      post.headers.add(name: "User-Agent", value: "wscore")
      if let key = request.idempotencyKey { post.headers.add(name: "Idempotency-Key", value: key) }
      if let authorization { post.headers.add(name: "Authorization", value: "Bearer \(authorization.reveal())") }
      post.body = .bytes(ByteBuffer(bytes: request.body))
      do {
        let response = try await client.execute(post, deadline: .now() + TimeAmount(timeout))
        let body = try await response.body.collect(upTo: limit)
        return BackendAnswer(response, Array(body.readableBytesView))
      } catch is NIOTooManyBytesError {
        throw .answerTooLong(limit)
      } catch {
        throw BackendFailure(error)
      }
    }
  }

  extension BackendAnswer {
    fileprivate init(_ response: HTTPClientResponse, _ body: [UInt8]) {
      status = Int(response.status.code)
      let type = response.headers.first(name: "content-type")?.split(separator: ";").first
      contentType = type?.trimmingBlanks.lowercased()
      let pause = response.headers.first(name: "retry-after").flatMap { UInt64($0.trimmingBlanks) }
      retryAfterMilliseconds = pause.map { min($0, 86_400) * 1_000 }
      self.body = body
    }
  }

  extension StringProtocol {
    fileprivate var trimmingBlanks: String {
      let isBlank = { (character: Character) in character == " " || character == "\t" }
      return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
  }

  extension BackendFailure {
    /// Error numbers that a connection gives before it is one, and never after.
    private static let connecting: Set<CInt> = [ECONNREFUSED, EADDRNOTAVAIL, EMFILE, ENFILE]

    /// What stands before the first byte of a request is a failure to connect; all else may have come after it. The
    /// texts are ours, or the system's for an error number: nothing of a request is in them.
    fileprivate init(_ error: any Error) {
      switch error {
      case let error as HTTPClientError where error == .deadlineExceeded || error == .cancelled: self = .late
      case let error as HTTPClientError where error == .connectTimeout || error == .getConnectionFromPoolTimeout:
        self = .unreachable("nobody answered in time")
      case let error as NIOConnectionError:
        let first = error.connectionErrors.first?.error as? IOError
        self = .unreachable(first.map { SystemText.of($0.errnoCode) } ?? "the name leads nowhere")
      case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: self = .unreachable("the TLS handshake failed")
      case let error as HTTPClientError where error == .tlsHandshakeTimeout:
        self = .unreachable("the TLS handshake took too long")
      case let error as IOError where BackendFailure.connecting.contains(error.errnoCode):
        self = .unreachable(SystemText.of(error.errnoCode))
      case let error as IOError: self = .broken(SystemText.of(error.errnoCode))
      case let error as HTTPClientError where error == .remoteConnectionClosed: self = .broken("closed by the backend")
      case is StatusGuard.Fault: self = .broken("the answer's status is none of HTTP")
      default: self = .broken("\(type(of: error))")
      }
    }
  }
#endif
