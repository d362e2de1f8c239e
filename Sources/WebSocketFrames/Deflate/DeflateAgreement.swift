/// What both ends agreed of permessage-deflate: RFC 7692 section 7.1.
public struct DeflateAgreement: Sendable, Equatable {
  /// The server forgets what it compressed before with each message (7.1.1.1).
  public var serverForgets: Bool
  /// The client does (7.1.1.2).
  public var clientForgets: Bool
  /// The base-2 logarithm of the window of what the server compresses, 8 to 15 (7.1.2.1).
  public let serverWindowBits: Int
  /// Whether the answer says so: it need not if they are 15, unless the client asked.
  public let statesServerWindow: Bool
  /// Of what the client compresses (7.1.2.2).
  public var clientWindowBits: Int

  public init(
    serverForgets: Bool = false, clientForgets: Bool = false, serverWindowBits: Int = 15, clientWindowBits: Int = 15,
    statesServerWindow: Bool = false
  ) {
    (self.serverForgets, self.clientForgets) = (serverForgets, clientForgets)
    (self.serverWindowBits, self.clientWindowBits) = (serverWindowBits, clientWindowBits)
    self.statesServerWindow = statesServerWindow || serverWindowBits < 15
  }

  static let name = "permessage-deflate"

  /// What `role` compresses with.
  func outgoing(_ role: Role) -> (forgets: Bool, windowBits: Int) {
    role == .server ? (serverForgets, serverWindowBits) : (clientForgets, clientWindowBits)
  }

  /// What comes to `role` is compressed with this.
  func incoming(_ role: Role) -> (forgets: Bool, windowBits: Int) {
    outgoing(role == .server ? .client : .server)
  }
}

/// What a server agrees to.
public struct DeflatePolicy: Sendable, Equatable {
  /// Whether a connection may keep what it compressed before, which costs memory for each connection: see
  /// `MessageCompression.contextByteCount`. If not, both ends are told to forget.
  public var keepsContext: Bool
  /// The largest window that the server compresses with, 9 to 15 bits.
  public var maxWindowBits: Int

  public init(keepsContext: Bool = false, maxWindowBits: Int = 15) {
    precondition(9...15 ~= maxWindowBits, "zlib compresses with windows of 9 to 15 bits")
    (self.keepsContext, self.maxWindowBits) = (keepsContext, maxWindowBits)
  }

  /// Answers the first offer that can be taken (7.1: an offer with an unknown, repeated or ill-valued parameter MUST be
  /// declined); nil if none can, so that the connection goes on without compression.
  package func answer(_ offers: ExtensionList) -> DeflateAgreement? {
    offers.elements.lazy.filter { $0.name == DeflateAgreement.name }.compactMap(answer).first
  }

  private func answer(_ offer: ExtensionList.Element) -> DeflateAgreement? {
    guard let wish = DeflateParameters(offer.parameters, isOffer: true) else { return nil }
    var agreement = DeflateAgreement(
      serverForgets: wish.serverForgets || !keepsContext, clientForgets: wish.clientForgets || !keepsContext,
      serverWindowBits: min(wish.serverWindowBits ?? 15, maxWindowBits),
      statesServerWindow: wish.serverWindowBits != nil)
    // "a server MUST NOT include" client_max_window_bits unless it was offered (7.1.2.2).
    if let bits = wish.clientWindowBits { agreement.clientWindowBits = bits }
    return agreement
  }
}

extension DeflateAgreement {
  /// The server's `Sec-WebSocket-Extensions`. Values at their default are left out, which says the same (7.1), except for
  /// `server_max_window_bits`: it is accepted "by including" it (7.1.2.1), and clients that asked look for it.
  package var response: String {
    var parts = [DeflateAgreement.name]
    if serverForgets { parts.append("server_no_context_takeover") }
    if clientForgets { parts.append("client_no_context_takeover") }
    if statesServerWindow { parts.append("server_max_window_bits=\(serverWindowBits)") }
    if clientWindowBits < 15 { parts.append("client_max_window_bits=\(clientWindowBits)") }
    return parts.joined(separator: "; ")
  }

  /// The client's offer: any window, context kept or not, as the server likes.
  static let offer = "\(name); client_max_window_bits"

  /// Reads a server's answer to `offer`; nil if there is something in it that must fail the connection (7.1).
  package init?(answer: ExtensionList.Element) {
    guard answer.name == DeflateAgreement.name, let answer = DeflateParameters(answer.parameters, isOffer: false)
    else { return nil }
    self.init(
      serverForgets: answer.serverForgets, clientForgets: answer.clientForgets,
      serverWindowBits: answer.serverWindowBits ?? 15, clientWindowBits: answer.clientWindowBits ?? 15,
      statesServerWindow: answer.serverWindowBits != nil)
  }
}

/// The four parameters of section 7.1 as they were written.
private struct DeflateParameters {
  var serverForgets = false
  var clientForgets = false
  var serverWindowBits: Int?
  var clientWindowBits: Int?

  /// Nil if a parameter is unknown, comes twice, or has a value that it must not have.
  init?(_ parameters: [ExtensionList.Parameter], isOffer: Bool) {
    var seen: [String] = []
    for parameter in parameters {
      guard !seen.contains(parameter.name) else { return nil }
      seen.append(parameter.name)
      guard take(parameter, isOffer) else { return nil }
    }
  }

  private mutating func take(_ parameter: ExtensionList.Parameter, _ isOffer: Bool) -> Bool {
    switch (parameter.name, parameter.value) {
    case ("server_no_context_takeover", nil): serverForgets = true
    case ("client_no_context_takeover", nil): clientForgets = true
    case ("server_max_window_bits", let value?):
      serverWindowBits = DeflateParameters.bits(value)
      return serverWindowBits != nil
    case ("client_max_window_bits", let value?):
      clientWindowBits = DeflateParameters.bits(value)
      return clientWindowBits != nil
    // "may be sent without a value" in an offer: the client can do with any (7.1.2.2).
    case ("client_max_window_bits", nil) where isOffer: clientWindowBits = 15
    default: return false
    }
    return true
  }

  /// "a decimal integer value without leading zeroes between 8 to 15 inclusive" (7.1.2.1).
  private static func bits(_ value: String) -> Int? {
    guard let bits = Grammar.number(value.utf8), 8...15 ~= bits, value.utf8.count == (bits < 10 ? 1 : 2) else {
      return nil
    }
    return bits
  }
}
