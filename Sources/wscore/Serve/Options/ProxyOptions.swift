import ArgumentParser
import SessionServer

/// Proxies in front, and what is believed of what they say.
struct ProxyOptions: ServeOptionGroup {
  @Option(help: .serve("trusted-proxy")) var trustedProxy: [String] = []
  @Option(help: .serve("forwarded-header"), completion: .list(ProxyTrust.Field.allCases.map(\.rawValue)))
  var forwardedHeader: String?
  @Flag(help: .serve("proxy-protocol")) var proxyProtocol = false

  var given: [(name: String, text: String?)] {
    [
      ("trusted-proxy", trustedProxy.isEmpty ? nil : trustedProxy.joined(separator: ",")),
      ("forwarded-header", forwardedHeader),
      ("proxy-protocol", proxyProtocol ? "true" : nil),
    ]
  }
}

extension ServeOption {
  static var proxies: [ServeOption] {
    [
      ServeOption(
        name: "trusted-proxy", placeholder: "addresses", fallback: "none",
        help: "Addresses or ranges of proxies that may say for whom a connection is, commas between them, for example "
          + "10.0.0.0/8,::1; unix for those on a Unix socket. May be given several times.",
        apply: trust),
      choice("forwarded-header", fallback: "x-forwarded-for", "The field in which they say it.") {
        $0.server.proxies.field = $1
      },
      ServeOption(
        name: "proxy-protocol", placeholder: "true|false", fallback: "false",
        help: "Expect a PROXY header of version 2 in front of every connection, and take none but from a trusted proxy.",
        apply: header),
    ]
  }

  // MARK: Single values

  private static func trust(_ settings: inout ServeSettings, _ text: String) throws(OptionFault) {
    for word in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
      if word == "unix" {
        settings.server.proxies.includesLocal = true
      } else if let range = AddressRange(String(word)) {
        settings.server.proxies.ranges.append(range)
      } else {
        throw OptionFault("is not a list of addresses and ranges, for example 10.0.0.0/8,192.0.2.1,2001:db8::/32")
      }
    }
    guard settings.server.proxies.includesLocal || !settings.server.proxies.ranges.isEmpty else {
      throw OptionFault("names no address")
    }
  }

  private static func header(_ settings: inout ServeSettings, _ text: String) throws(OptionFault) {
    guard let flag = Bool(text) else { throw OptionFault("is not true or false") }
    settings.server.proxies.expectsHeader = flag
  }
}
