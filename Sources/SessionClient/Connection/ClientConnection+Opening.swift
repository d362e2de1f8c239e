import NIOCore
import NIOPosix
import SessionCore
import SocketReactor
import WebSocketFrames

extension ClientConnection {
  /// IP_BIND_ADDRESS_NO_PORT: with a source address, the port is chosen when the peer is known, so that one address
  /// has a whole range of ports for each peer.
  private static let bindAddressNoPort = ChannelOptions.Types.SocketOption(
    level: .ip, name: NIOBSDSocket.Option(rawValue: 24))

  func start() {
    if let loop = loop as? ReactorLoop { return start(on: loop) }
    let own = NIOLoopBound(self, eventLoop: loop)
    let (url, tls) = (configuration.url, configuration.tls)
    var bootstrap = ClientBootstrap(group: loop)
      .connectTimeout(.milliseconds(configuration.connectTimeoutMilliseconds))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if url.isSecure { try ClientTLS.secure(channel, host: url.host, tls) }
          try channel.pipeline.syncOperations.addHandler(SocketHandler(own.value))
        }
      }
    if let path = url.unixPath { return take(bootstrap.connect(unixDomainSocketPath: path)) }
    bootstrap = bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
    do {
      if let address = configuration.localAddress {
        bootstrap = bootstrap.bind(to: try SocketAddress(ipAddress: address, port: 0))
        #if os(Linux)
          bootstrap = bootstrap.channelOption(ClientConnection.bindAddressNoPort, value: 1)
        #endif
      }
    } catch {
      return failSoon(ClientConnection.noLocalAddress)
    }
    // An address needs no resolver, and no thread of one.
    let future =
      (try? SocketAddress(ipAddress: url.host, port: url.port)).map { bootstrap.connect(to: $0) }
      ?? bootstrap.connect(host: url.host, port: url.port)
    take(future)
  }

  private static let noLocalAddress = "the local address is no IP address"

  private func start(on loop: ReactorLoop) {
    guard !configuration.url.isSecure, configuration.url.unixPath == nil,
      let peer = try? SocketAddress(ipAddress: configuration.url.host, port: configuration.url.port)
    else { return failSoon("a reactor's loop connects to IP addresses without TLS only") }
    var local: SocketAddress?
    if let address = configuration.localAddress {
      local = try? SocketAddress(ipAddress: address, port: 0)
      guard local != nil else { return failSoon(ClientConnection.noLocalAddress) }
    }
    do throws(ReactorFault) {
      transport = try ReactorTransport(self, on: loop, to: peer, from: local) {
        if case .connecting = self.stage { self.upgrade() }
      }
    } catch {
      return failSoon(ConnectError.text(error.number))
    }
    arm(milliseconds: configuration.connectTimeoutMilliseconds) { $0.fail(.connectFailed("timed out")) }
  }

  /// Nothing is told before the caller has the connection in hand.
  private func failSoon(_ reason: String) {
    loop.assumeIsolated().execute { self.fail(.connectFailed(reason)) }
  }

  /// Some ways to fail, and a Unix socket, are quick: nothing is told before the caller has the connection in hand.
  private func take(_ channel: EventLoopFuture<any Channel>) {
    channel.assumeIsolated().whenComplete { result in
      self.loop.assumeIsolated().execute { self.connected(result) }
    }
  }

  private func connected(_ result: Result<any Channel, any Error>) {
    guard case .connecting = stage else {
      // Given up meanwhile.
      if case .success(let channel) = result { channel.close(promise: nil) }
      return
    }
    switch result {
    case .failure(let error):
      let fault = ClientTLS.fault(error, nil, host: configuration.url.host)
      fail(fault.map { .insecure($0) } ?? .connectFailed(ConnectError.text(error)))
    case .success(let channel):
      transport = ChannelTransport(channel)
      upgrade()
    }
  }

  private func upgrade() {
    let request: [UInt8]
    do throws(Upgrade.RequestError) {
      request = try Upgrade.request(
        configuration.url, key: key, subprotocols: configuration.subprotocols, fields: configuration.fields,
        offersDeflate: configuration.offersDeflate)
    } catch {
      return fail(.notWebSocket(error.description))
    }
    stage = .upgrading
    arm(milliseconds: configuration.upgradeTimeoutMilliseconds) {
      $0.fail(.connectFailed("the server did not answer the upgrade in time"))
    }
    outgoing.writeBytes(request)
    flush()
  }

  /// Reads the answer to the upgrade; what follows it are frames.
  func readHead(_ input: UnsafeMutableRawBufferPointer, _ offset: inout Int) {
    guard !ClientTLS.isAlert(UnsafeRawBufferPointer(rebasing: input[offset...])) else { return fail(.insecure(.tlsServer)) }
    switch head.next(UnsafeRawBufferPointer(input), from: &offset) {
    case .needsMore: break
    case .failed(let error): fail(.notWebSocket("the server's answer is no HTTP: \(error.text)"))
    case .head(let head): judge(head)
    }
  }

  private func judge(_ head: HTTPResponseHead) {
    do throws(Upgrade.ResponseError) {
      let chosen = try Upgrade.check(
        head, key: key, subprotocols: configuration.subprotocols, offeredDeflate: configuration.offersDeflate)
      if let agreement = chosen.deflate {
        compression = MessageCompression(agreement, role: .client, pool: CompressionPool(configuration.compression))
        parser = FrameParser(role: .client, limits: configuration.limits, allowsCompression: true)
      }
      stage = .open
      timer?.cancel()
      timer = nil
      delegate?.connectionOpened(self, subprotocol: chosen.subprotocol)
    } catch {
      if head.wantsTLS, !configuration.url.isSecure {
        fail(.insecure(.tlsServer))
      } else if case .refused(let status, let seconds) = error {
        fail(.refused(status: status, retryAfterSeconds: seconds))
      } else {
        fail(.notWebSocket(error.description))
      }
    }
  }
}

extension HTTPResponseHead {
  /// A refusal that names TLS as what to upgrade to: RFC 9110 section 7.8.
  fileprivate var wantsTLS: Bool {
    status >= 400 && fields.elements(of: "upgrade").contains { $0.uppercased().hasPrefix("TLS/") }
  }
}
