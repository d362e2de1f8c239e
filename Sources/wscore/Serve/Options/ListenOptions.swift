import SessionServer
import WebSocketFrames

/// Where a server is reached: the network, a Unix socket, or both.
extension ServeOption {
  static var listening: [ServeOption] {
    [
      ServeOption(
        name: "listen", placeholder: "host:port|unix:path|none", fallback: "127.0.0.1:8080",
        help: "Where to listen; port 0 takes any that is free; none, or a Unix socket: not on the network.",
        apply: listen),
      ServeOption(
        name: "unix", placeholder: "path", help: "Listen on a Unix socket too, or alone with --listen none.",
        apply: { (settings, text) throws(OptionFault) in settings.unixPath = try socketPath(text) }),
      ServeOption(
        name: "unix-mode", placeholder: "octal", fallback: "0660",
        help: "The permissions of the Unix socket's file.", apply: mode),
    ]
  }

  private static func listen(_ settings: inout ServeSettings, _ text: String) throws(OptionFault) {
    if text == "none" {
      settings.server.listensOnNetwork = false
    } else if text.hasPrefix("unix:") {
      settings.server.listensOnNetwork = false
      settings.listenPath = try socketPath(String(text.dropFirst(5)))
    } else {
      (settings.server.host, settings.server.port) = try address(text)
    }
  }

  private static func socketPath(_ text: String) throws(OptionFault) -> String {
    guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
      throw OptionFault("is not the path of a socket")
    }
    guard text.utf8.count <= WebSocketURL.maxUnixPathByteCount else {
      throw OptionFault(
        "is too long for a socket: the path has \(text.utf8.count) bytes, and the most is "
          + "\(WebSocketURL.maxUnixPathByteCount)")
    }
    return text
  }

  private static func mode(_ settings: inout ServeSettings, _ text: String) throws(OptionFault) {
    guard 3...4 ~= text.utf8.count, let mode = UInt32(text, radix: 8), mode <= 0o777, mode & 0o600 == 0o600 else {
      throw OptionFault("is not the mode of a file that its owner can read and write, for example 0660")
    }
    settings.unixMode = mode
  }
}

extension ServeSettings {
  /// What of it contradicts itself or is missing.
  var listenContradiction: String? {
    if let listenPath, let unixPath, listenPath != unixPath {
      return "--listen unix:\(listenPath) and --unix \(unixPath) name two sockets; there is one at most"
    }
    let path = listenPath ?? unixPath
    if path == nil, !server.listensOnNetwork { return "--listen none needs --unix PATH" }
    if path == nil, unixMode != nil { return "--unix-mode needs --unix PATH" }
    return nil
  }

  var ioContradiction: String? {
    guard tls.certificatePath != nil, server.io == .epoll || server.io == .uring else { return nil }
    return "--io \(server.io.rawValue) has no TLS; with --tls-cert leave it out, or use --io nio"
  }

  var unixSocket: UnixSocketSettings? {
    (listenPath ?? unixPath).map { path in
      var socket = UnixSocketSettings(path: path)
      if let unixMode { socket.mode = unixMode }
      return socket
    }
  }
}
