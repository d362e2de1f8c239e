import ArgumentParser
import WebSocketFrames

/// Who may come.
struct AuthenticationOptions: ServeOptionGroup {
  @Option(
    help: .serve("auth"), completion: .list(ServeSettings.Authentication.allCases.map(\.rawValue)))
  var auth: String?
  @Option(help: .serve("token-file"), completion: .file()) var tokenFile: String?
  @Option(help: .serve("api-key-file"), completion: .file()) var apiKeyFile: String?
  @Option(help: .serve("auth-header")) var authHeader: String?
  @Option(help: .serve("auth-reload-interval")) var authReloadInterval: String?

  var given: [(name: String, text: String?)] {
    [
      ("auth", auth),
      ("token-file", tokenFile),
      ("api-key-file", apiKeyFile),
      ("auth-header", authHeader),
      ("auth-reload-interval", authReloadInterval),
    ]
  }
}

extension ServeOption {
  static var authentication: [ServeOption] {
    [
      choice("auth", fallback: "the one whose file or URL is given, else none", "How clients show who they are.") {
        $0.authentication = $1
      },
      text("token-file", "path", \.tokenFile, "Tokens and their users, one a line: TOKEN USER [PERMISSION…].")
        .only(with: .tokenFile),
      text(
        "api-key-file", "path", \.apiKeyFile,
        "Hashes of API keys and their users, one a line: NAME sha256:HEX USER [PERMISSION…].")
        .only(with: .apiKey),
      ServeOption(
        name: "auth-header", placeholder: "name", fallback: "X-API-Key with --auth api-key, else none",
        help: "A field of the upgrade request that may hold the credential, besides Authorization: Bearer.",
        apply: authHeader),
      duration("auth-reload-interval", \.server.reloadCheckMilliseconds, 0, "1s",
        "Time between two looks whether a file of credentials was changed; 0s for SIGHUP alone."),
    ]
  }

  private static func authHeader(_ settings: inout ServeSettings, _ text: String) throws(OptionFault) {
    guard HTTPField(text, "").isLegal else { throw OptionFault("is not the name of a header field") }
    guard text.lowercased() != "authorization" else { throw OptionFault("is looked at in any case, for Bearer") }
    settings.server.credentialHeader = text
  }
}
