import NIOCore
import NIOPosix
import SessionCore
import WebSocketFrames

extension ClientConnection {
  /// IP_BIND_ADDRESS_NO_PORT: with a source address, the port is chosen when the peer is known, so that one address
  /// has a whole range of ports for each peer.
  private static let bindAddressNoPort = ChannelOptions.Types.SocketOption(
    level: .ip, name: NIOBSDSocket.Option(rawValue: 24))

  func start() {
    guard !configuration.url.isSecure else {
      // Not before the caller has the connection in hand.
      return loop.assumeIsolated().execute { self.fail(.notWebSocket("wss:// needs TLS, which is not there yet")) }
    }
    let own = NIOLoopBound(self, eventLoop: loop)
    var bootstrap = ClientBootstrap(group: loop)
      .connectTimeout(.milliseconds(configuration.connectTimeoutMilliseconds))
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(SocketHandler(own.value))
        }
      }
    do {
      if let address = configuration.localAddress {
        bootstrap = bootstrap.bind(to: try SocketAddress(ipAddress: address, port: 0))
        #if os(Linux)
          bootstrap = bootstrap.channelOption(ClientConnection.bindAddressNoPort, value: 1)
        #endif
      }
    } catch {
      return loop.assumeIsolated().execute { self.fail(.connectFailed("the local address is no IP address")) }
    }
    let url = configuration.url
    // An address needs no resolver, and no thread of one.
    let future =
      (try? SocketAddress(ipAddress: url.host, port: url.port)).map { bootstrap.connect(to: $0) }
      ?? bootstrap.connect(host: url.host, port: url.port)
    future.assumeIsolated().whenComplete { self.connected($0) }
  }

  private func connected(_ result: Result<any Channel, any Error>) {
    guard case .connecting = stage else {
      // Given up meanwhile.
      if case .success(let channel) = result { channel.close(promise: nil) }
      return
    }
    switch result {
    case .failure(let error): fail(.connectFailed(ConnectError.text(error)))
    case .success(let channel):
      self.channel = channel
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
      if case .refused(let status, let seconds) = error {
        fail(.refused(status: status, retryAfterSeconds: seconds))
      } else {
        fail(.notWebSocket(error.description))
      }
    }
  }
}
