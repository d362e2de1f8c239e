import FuzzSupport
import WebSocketFrames

/// A value of `Sec-WebSocket-Extensions` in a request: what we agree to, against a reader that splits texts; and in a
/// response to our own offer.
@Sendable func extensions(_ input: inout Input) {
  let flags = input.byte()
  let value = input.remainder().filter { $0 >= 0x20 && $0 < 0x7F || $0 == 9 }
  let text = String(decoding: value, as: UTF8.self)
  let policy = DeflatePolicy(keepsContext: flags & 1 != 0, maxWindowBits: 9 + Int(flags >> 1) % 7)
  let verdict = judge(text, policy)
  switch (NaiveExtensions.read(text), verdict) {
  case (nil, .refused(let refusal)): requireEqual(refusal.status, 400, "status of a malformed list")
  case (nil, .accepted): fail("accepted, and the naive reader finds it malformed: \(text)")
  case (let offers?, .refused(let refusal)):
    require(offers.count > 32, "refused: \(refusal.text), and the naive reader finds \(offers)")
  case (let offers?, .accepted(let accepted)):
    requireEqual(accepted.deflate, offers.lazy.compactMap { NaiveExtensions.answer($0, policy) }.first, "agreed")
    if let deflate = accepted.deflate { requireReadable(accepted, deflate, text) }
  }
  answer(text)
}

private let key = "dGhlIHNhbXBsZSBub25jZQ=="

private func judge(_ text: String, _ policy: DeflatePolicy) -> Upgrade.Verdict {
  let request =
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    + "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Extensions: \(text)\r\n\r\n"
  let head: HTTPRequestHead = head(request)
  return Upgrade.judge(head, subprotocols: [], deflate: policy)
}

private func head<Head: HTTPHead>(_ text: String) -> Head {
  var parser = HTTPHeadParser<Head>(limits: HTTPHeadLimits(headBytes: 1 << 20))
  return Array(text.utf8).withUnsafeBytes { bytes in
    var offset = 0
    guard case .head(let head) = parser.next(bytes, from: &offset) else { fail("the head cannot be read: \(text)") }
    return head
  }
}

private func requireReadable(_ accepted: Upgrade.Accepted, _ deflate: DeflateAgreement, _ text: String) {
  let response: HTTPResponseHead = head(String(decoding: accepted.response(), as: UTF8.self))
  let chosen = try? Upgrade.check(response, key: key, offeredDeflate: true)
  requireEqual(chosen?.deflate, deflate, "what our client reads out of our answer to \(text)")
}

/// The same text as a server's answer: agreed to only if it is one extension with parameters that may stand there.
private func answer(_ text: String) {
  let response: HTTPResponseHead = head(
    "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
      + "Sec-WebSocket-Extensions: \(text)\r\n\r\n")
  let chosen = try? Upgrade.check(response, key: key, offeredDeflate: true)
  let naive = NaiveExtensions.read(text)
  guard let naive, naive.count <= 1 else { return requireEqual(chosen, nil, "an answer that must be refused: \(text)") }
  guard let element = naive.first else { return require(chosen != nil && chosen?.deflate == nil, "no extension") }
  requireEqual(chosen?.deflate, NaiveExtensions.agreement(element), "what an answer says: \(text)")
}

/// RFC 6455 section 9.1 and RFC 7692 section 7.1 by cutting texts up.
enum NaiveExtensions {
  struct Offer {
    var name: String
    var parameters: [(name: String, value: String?)]
  }

  static func read(_ text: String) -> [Offer]? {
    guard let items = split(text, at: ",") else { return nil }
    var offers: [Offer] = []
    for item in items.map(trimmed) where !item.isEmpty {
      guard let parts = split(item, at: ";")?.map(trimmed), isToken(parts[0]) else { return nil }
      var offer = Offer(name: parts[0].lowercased(), parameters: [])
      for part in parts.dropFirst() {
        guard let parameter = parameter(part) else { return nil }
        offer.parameters.append(parameter)
      }
      offers.append(offer)
    }
    return offers
  }

  private static func parameter(_ text: String) -> (String, String?)? {
    guard let equals = text.firstIndex(of: "=") else { return isToken(text) ? (text.lowercased(), nil) : nil }
    let name = trimmed(String(text[..<equals])).lowercased()
    var value = trimmed(String(text[text.index(after: equals)...]))
    guard isToken(name) else { return nil }
    guard value.hasPrefix("\"") else { return isToken(value) ? (name, value.lowercased()) : nil }
    guard value.count >= 2, value.hasSuffix("\"") else { return nil }
    var plain = ""
    var isEscaped = false
    value = String(value.dropFirst().dropLast())
    for character in value {
      if !isEscaped, character == "\\" {
        isEscaped = true
      } else {
        if !isEscaped, character == "\"" { return nil }
        plain.append(character)
        isEscaped = false
      }
    }
    return !isEscaped && isToken(plain) ? (name, plain) : nil
  }

  /// Nil if a quotation does not end.
  private static func split(_ text: String, at separator: Character) -> [String]? {
    var parts = [""]
    var (isQuoted, isEscaped) = (false, false)
    for character in text {
      if !isQuoted, character == separator {
        parts.append("")
        continue
      }
      parts[parts.count - 1].append(character)
      if isQuoted, !isEscaped, character == "\\" {
        isEscaped = true
        continue
      }
      if !isEscaped, character == "\"" { isQuoted.toggle() }
      isEscaped = false
    }
    return isQuoted ? nil : parts
  }

  private static func trimmed(_ text: String) -> String {
    var text = Substring(text)
    while text.first == " " || text.first == "\t" { text.removeFirst() }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return String(text)
  }

  private static func isToken(_ text: String) -> Bool {
    let separators = Set("()<>@,;:\\\"/[]?={} \t")
    return !text.isEmpty && text.allSatisfy { $0.isASCII && $0 > " " && $0 < "\u{7F}" && !separators.contains($0) }
  }

  // MARK: permessage-deflate

  private struct Wish {
    var flags: Set<String> = []
    var server: Int?
    var client: Int?
    /// The client has said that it can do with any window, or with one of so many bits.
    var clientMayBeAsked = false
  }

  private static func wish(_ offer: Offer, isOffer: Bool) -> Wish? {
    guard offer.name == "permessage-deflate" else { return nil }
    guard Set(offer.parameters.map(\.name)).count == offer.parameters.count else { return nil }
    let sizes = Dictionary(uniqueKeysWithValues: (8...15).map { (String($0), $0) })
    var wish = Wish()
    for (name, value) in offer.parameters {
      let bits = value.flatMap { sizes[$0] }
      switch name {
      case "server_no_context_takeover" where value == nil, "client_no_context_takeover" where value == nil:
        wish.flags.insert(name)
      case "server_max_window_bits" where bits != nil: wish.server = bits
      case "client_max_window_bits" where bits != nil || (value == nil && isOffer):
        wish.client = bits
        wish.clientMayBeAsked = true
      default: return nil
      }
    }
    return wish
  }

  static func answer(_ offer: Offer, _ policy: DeflatePolicy) -> DeflateAgreement? {
    guard let wish = wish(offer, isOffer: true) else { return nil }
    return DeflateAgreement(
      serverForgets: wish.flags.contains("server_no_context_takeover") || !policy.keepsContext,
      clientForgets: wish.flags.contains("client_no_context_takeover") || !policy.keepsContext,
      serverWindowBits: min(wish.server ?? 15, policy.maxWindowBits), clientWindowBits: wish.client ?? 15,
      statesServerWindow: wish.server != nil)
  }

  static func agreement(_ answer: Offer) -> DeflateAgreement? {
    guard let wish = wish(answer, isOffer: false) else { return nil }
    return DeflateAgreement(
      serverForgets: wish.flags.contains("server_no_context_takeover"),
      clientForgets: wish.flags.contains("client_no_context_takeover"), serverWindowBits: wish.server ?? 15,
      clientWindowBits: wish.client ?? 15, statesServerWindow: wish.server != nil)
  }
}
