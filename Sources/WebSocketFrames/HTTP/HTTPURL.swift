/// An `http:` or `https:` URL that requests are sent to: RFC 9110 section 4.2, the parts being those of RFC 3986.
public struct HTTPURL: Sendable, Hashable {
  /// As it is to be requested.
  public let text: String
  /// True for `https`.
  public let isSecure: Bool
  /// A name or address, IPv6 without brackets.
  public let host: String
  /// Without the query, in which people put what must not be shown.
  public let description: String

  /// Whether requests stay on this machine.
  public var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

  /// What is wrong with a URL. The texts do not repeat it, since it may hold a password.
  public struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
  }

  /// A user name, a password and a fragment are refused.
  public init(_ text: String) throws(Fault) {
    // A WebSocket URL has the same form behind its scheme, and has a reader.
    let start = Grammar.lowercased(text.utf8.prefix(8))
    let length = start.hasPrefix("https://") ? 8 : start.hasPrefix("http://") ? 7 : nil
    guard let length else { throw Fault(description: "the URL must begin with http:// or https://") }
    let rest = String(decoding: text.utf8.dropFirst(length), as: UTF8.self)
    let url: WebSocketURL
    do {
      url = try WebSocketURL((length == 8 ? "wss://" : "ws://") + rest)
    } catch .fragment {
      throw Fault(description: "the URL has a fragment; write # as %23")
    } catch {
      throw Fault(description: error.description)
    }
    let scheme = length == 8 ? "https" : "http"
    (isSecure, host) = (url.isSecure, url.host)
    description = "\(scheme)://\(url.hostField)\(url.path)"
    self.text = "\(scheme)://\(url.hostField)\(url.target)"
  }
}

extension HTTPURL: CustomStringConvertible {}
