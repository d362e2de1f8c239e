/// Which way to authenticate the options ask for, and whether they agree.
struct AuthenticationChoice {
  /// Options of one way only, in the order of the table.
  private var given: [(name: String, authentication: ServeSettings.Authentication)] = []
  /// Whether any of them, or `--auth`, was a flag.
  private(set) var isByFlag = false

  /// The option was given.
  mutating func note(_ option: ServeOption, isFlag: Bool) {
    if let authentication = option.authentication { given.append((option.name, authentication)) }
    if isFlag, option.authentication != nil || option.name == "auth" { isByFlag = true }
  }

  /// Decides what was left open. Returns what contradicts itself or is missing.
  func settle(_ settings: inout ServeSettings) -> String? {
    let asked = settings.authentication
    // Who has clients show certificates wants to know who they are.
    let fallback = settings.tls.clientAuthoritiesPath == nil ? ServeSettings.Authentication.none : .tls
    let chosen = asked ?? given.first?.authentication ?? fallback
    settings.authentication = chosen
    if let other = given.first(where: { $0.authentication != chosen }) {
      let first = asked == nil ? "--\(given[0].name)" : "--auth \(chosen.rawValue)"
      return "\(first) and --\(other.name) contradict each other: --\(other.name) is for --auth "
        + other.authentication.rawValue
    }
    if chosen == .apiKey, settings.server.credentialHeader == nil { settings.server.credentialHeader = "X-API-Key" }
    return AuthenticationChoice.missing(settings, chosen)
  }

  private static func missing(_ settings: ServeSettings, _ chosen: ServeSettings.Authentication) -> String? {
    switch chosen {
    case .none, .tls: return nil
    case .tokenFile: return settings.tokenFile == nil ? "--auth token-file needs --token-file PATH" : nil
    case .apiKey: return settings.apiKeyFile == nil ? "--auth api-key needs --api-key-file PATH" : nil
    case .http: return settings.backends.authenticationURL == nil ? "--auth http needs --auth-url URL" : nil
    case .jwt:
      guard settings.jwt.files.count != 1 else { return nil }
      return "--auth jwt needs one of --jwt-key-file, --jwt-secret-file and --jwt-jwks-file"
    }
  }
}
