import Logging
import SessionServer

#if JWT
import SessionJWT
#endif

/// Makes the authenticator that the settings ask for.
struct AuthenticatorFactory {
  var settings: ServeSettings
  var logger: Logger
  var backends: ServeBackends

  /// - Throws: `CLIError` with exit status 78 if a file is wrong.
  func make() async throws -> any Authenticator {
    switch settings.authentication ?? .none {
    case .none: return OpenAuthenticator()
    case .tokenFile:
      return try await reloading(settings.tokenFile, form: "TOKEN USER [PERMISSION…]") { try TokenFile(path: $0) }
    case .apiKey:
      let logger = logger
      return try await reloading(settings.apiKeyFile, form: "NAME sha256:HEX USER [PERMISSION…]") {
        try APIKeyFile(path: $0, logger: logger)
      }
    case .http:
      guard let authenticator = backends.authenticator else { preconditionFailure("--auth http was read without its URL") }
      return authenticator
    case .jwt: return try await jwt()
    case .tls:
      guard let path = settings.tls.subjectFile else { return SubjectAuthenticator() }
      return try await reloading(path, form: "SUBJECT USER [PERMISSION…]") { try SubjectFile(path: $0) }
    }
  }

  /// - Parameter form: of a line, nil if the file has none.
  private func reloading(
    _ path: String?, form: String? = nil, load: @escaping ReloadingAuthenticator.Load
  ) async throws -> any Authenticator {
    do {
      return try await ReloadingAuthenticator(path ?? "", logger: logger, load: load)
    } catch let fault as CredentialFileFault {
      let advice = form.map { "A line is: \($0); see" } ?? "See"
      throw CLIError("\(fault)", next: "\(advice) wscore serve --help.", status: .configuration)
    }
  }

  #if JWT
  private func jwt() async throws -> any Authenticator {
    let settings = settings.jwt
    var rules = JWTRules()
    (rules.audiences, rules.issuer) = (settings.audiences, settings.issuer)
    (rules.leewayMilliseconds, rules.requiresExpiry) = (settings.leewayMilliseconds, settings.requiresExpiry)
    rules.userClaim = settings.userClaim ?? rules.userClaim
    rules.permissionsClaim = settings.permissionsClaim ?? rules.permissionsClaim
    rules.defaultPermissions = settings.defaultPermissions
    return try await reloading(settings.files.first) { [rules] path in
      let keys = settings.keyFile != nil ? try await JWTKeys.pem(path)
        : settings.secretFile != nil ? try await JWTKeys.secret(path) : try await JWTKeys.jwks(path)
      return JWTAuthenticator(keys: keys, rules: rules)
    }
  }
  #else
  private func jwt() async throws -> any Authenticator {
    throw CLIError(
      "--auth jwt: this wscore was built without JSON Web Tokens", next: "Build it with the package trait JWT.",
      status: .configuration)
  }
  #endif
}

extension ServeSettings {
  /// For the banner.
  var authenticationSummary: String {
    switch authentication ?? .none {
    case .none: "none, everyone is let in"
    case .tokenFile: "tokens of \(tokenFile ?? "")"
    case .apiKey: "API keys of \(apiKeyFile ?? "")"
    case .http: "asks \(backends.authenticationURL.map { "\($0)" } ?? "")"
    case .tls: "client certificates\(tls.subjectFile.map { ", users of \($0)" } ?? "")"
    case .jwt: "JSON Web Tokens, keys of \(jwt.files.first ?? "")"
    }
  }
}
