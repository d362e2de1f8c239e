import WebSocketFrames

/// For whom a request is, as proxies say.
extension ProxyTrust {
  /// The client of a request that came from `peer`: the last one that a proxy which is trusted named and that is no such
  /// proxy itself. What is left of it anybody may have written.
  ///
  /// An entry that cannot be read ends the search: then it is the proxy that wrote it who counts.
  package func client(_ fields: HTTPFields, from peer: PeerAddress) -> PeerAddress {
    guard field != .none, includes(peer) else { return peer }
    var client = peer
    for entry in fields.elements(of: field.rawValue).reversed() {
      guard let hop = field == .forwarded ? ProxyTrust.node(ofElement: entry) : ProxyTrust.hop(entry) else { break }
      client = hop
      guard includes(hop) else { break }
    }
    return client
  }

  /// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`.
  private static func hop(_ text: String) -> PeerAddress? {
    if let address = IPAddress(text) { return .internet(address, port: nil) }
    guard let colon = text.lastIndex(of: ":"), let port = port(text[text.index(after: colon)...]) else {
      return bracketed(text).map { .internet($0, port: nil) }
    }
    let host = text[..<colon]
    guard let address = bracketed(host) ?? IPAddress(host), address.isIPv4 != host.hasPrefix("[") else { return nil }
    return .internet(address, port: port)
  }

  private static func bracketed(_ text: some StringProtocol) -> IPAddress? {
    guard text.hasPrefix("["), text.hasSuffix("]") else { return nil }
    return IPAddress(text.dropFirst().dropLast())
  }

  private static func port(_ text: some StringProtocol) -> Int? {
    guard 1...5 ~= text.utf8.count, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let port = Int(text) else { return nil }
    return 1...65_535 ~= port ? port : nil
  }

  /// The `for` of one element: RFC 7239 section 4. Names that hide the address (`unknown`, `_hidden`) are none to us.
  private static func node(ofElement element: String) -> PeerAddress? {
    for pair in element.split(separator: ";") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, parts[0].drop(while: { $0 == " " }).lowercased() == "for" else { continue }
      var value = parts[1]
      while value.last == " " { value.removeLast() }
      if value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") { value = value.dropFirst().dropLast() }
      return hop(String(value))
    }
    return nil
  }
}
