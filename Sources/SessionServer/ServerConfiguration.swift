import NIOCore
import SessionCore
import WebSocketFrames

/// What a server is told once, before it starts.
public struct ServerConfiguration: Sendable {
  /// A name or address to listen on, IPv6 without brackets.
  public var host = "127.0.0.1"
  /// 0: any that is free; `SessionServer.boundPort` tells which.
  public var port = 8080
  /// Whether `host` and `port` are listened on. Without it and `unixSocket`, connections come from within the process.
  public var listensOnNetwork = true
  /// A Unix socket to listen on too, without TLS; nil for none.
  public var unixSocket: UnixSocketSettings?
  /// TLS on `host` and `port`; nil for none.
  public var tls: TLSSettings?
  /// The path of the WebSocket endpoint; begins with a slash.
  public var path = "/ws"
  /// The path of the event streams, where WebSocket does not get through: PROTOCOL.md, "Other transports"; begins with a
  /// slash. Nil for none.
  public var eventPath: String? = "/sse"
  /// The path of a diagnostic endpoint that sends every message back as it came, through the same connection layer, for
  /// conformance suites and measurements; nil for none. It takes messages of 16 MiB, asks for no credential, and nothing
  /// of it reaches the sessions.
  public var rawEchoPath: String?
  /// Event loops, each with its own shard.
  public var loopCount = System.coreCount
  /// How the bytes of sockets are moved.
  public var io = SocketBackend.auto
  public var limits = Limits()
  /// Whether a principal's permissions bound joins, publishes and events: `Grants` has the vocabulary. If not, they are
  /// the application's own, for its hooks and handlers to look at.
  public var checksPermissions = false
  /// Time for a whole request to arrive.
  public var handshakeTimeoutMilliseconds: UInt64 = 10_000
  /// Time between two requests of one socket.
  public var idleTimeoutMilliseconds: UInt64 = 60_000
  /// Connections at one time, of every transport; further ones are answered with 503.
  public var connectionCount = 100_000
  /// Sockets beyond those, for health checks and for refusals that can be read. When they are used up too, nothing is
  /// accepted until one is free.
  public var spareSocketCount = 1_024
  /// Bounds of what comes from one address.
  public var addresses = AddressLimits()
  /// Bounds of what one connection may send in a second.
  public var traffic = TrafficLimits()
  /// Bounds of a request's head.
  public var head = HTTPHeadLimits()
  /// Frames without payload in one message; such as have one are bounded by `Limits.messageByteCount`.
  public var emptyFragmentCount = 64
  /// Time for a message to arrive, from the first byte of its first frame to the last of its last.
  public var messageTimeoutMilliseconds: UInt64 = 60_000
  public var origins = OriginPolicy.sameHost
  public var hosts = HostPolicy.automatic
  /// Found out at the start: whether `host` leads to this machine alone.
  var resolvesToLoopback = false
  /// Whom to believe for whom a connection is.
  public var proxies = ProxyTrust()
  /// What is agreed to when a client offers permessage-deflate (RFC 7692); nil sends everything as it is. By default
  /// no context is kept, so that compression costs no memory for a connection.
  public var deflate: DeflatePolicy? = DeflatePolicy()
  public var compression = CompressionSettings()
  /// A field of the upgrade request in which a credential may come as it is, `X-API-Key` for example; nil for none.
  /// `Authorization: Bearer` is looked at in any case, after it.
  public var credentialHeader: String?
  /// Time between two looks at the files that hooks keep, for changes; 0 for none.
  public var reloadCheckMilliseconds: UInt64 = 1_000
  /// Time between the signal to stop and the closing of the connections that are still there.
  public var drainTimeoutMilliseconds: UInt64 = 10_000
  /// Where operators reach the server; nil for nowhere.
  public var adminSocketPath: String?
  /// Whether the server starts without operators when another one listens on their socket.
  public var isAdminSocketOptional = false
  /// Where backends reach the server; nil for nowhere.
  public var api: BackendAPIConfiguration?
  /// Told to clients in `welcome`, to operators in `stats`.
  public var serverName = "wscore"

  public init() {}

  /// NIO ends the process when it cannot make a loop; so this is asked before.
  /// - Throws: `ServerError` if the process may not open as many files as a server needs.
  package func checkFiles() throws(ServerError) {
    // Three for each loop, of ours and of those that call backends; the rest for listening, operators and files.
    let count = 6 * max(1, loopCount) + 32
    guard ReserveFile.areLeft(count) else { throw .tooFewFiles(needed: count) }
  }
}

/// Where clients on the same machine reach a server without a network.
public struct UnixSocketSettings: Sendable, Equatable {
  /// At most 107 bytes. A socket that nobody listens on is replaced; the server takes its own away when it ends.
  public var path: String
  /// The permissions of the socket's file; connecting needs the one to write.
  public var mode: UInt32

  public init(path: String, mode: UInt32 = 0o660) { (self.path, self.mode) = (path, mode) }
}
