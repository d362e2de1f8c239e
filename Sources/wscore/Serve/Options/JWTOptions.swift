import ArgumentParser

/// Which tokens are good, and who they make of their bearer.
struct JWTOptions: ServeOptionGroup {
  @Option(help: .serve("jwt-key-file"), completion: .file()) var jwtKeyFile: String?
  @Option(help: .serve("jwt-secret-file"), completion: .file()) var jwtSecretFile: String?
  @Option(help: .serve("jwt-jwks-file"), completion: .file()) var jwtJwksFile: String?
  @Option(help: .serve("jwt-issuer")) var jwtIssuer: String?
  @Option(help: .serve("jwt-audience")) var jwtAudience: String?
  @Option(help: .serve("jwt-leeway")) var jwtLeeway: String?
  @Option(help: .serve("jwt-require-exp"), completion: .list(["yes", "no"])) var jwtRequireExp: String?
  @Option(help: .serve("jwt-user-claim")) var jwtUserClaim: String?
  @Option(help: .serve("jwt-permissions-claim")) var jwtPermissionsClaim: String?
  @Option(help: .serve("jwt-default-permissions")) var jwtDefaultPermissions: String?

  var given: [(name: String, text: String?)] {
    [
      ("jwt-key-file", jwtKeyFile),
      ("jwt-secret-file", jwtSecretFile),
      ("jwt-jwks-file", jwtJwksFile),
      ("jwt-issuer", jwtIssuer),
      ("jwt-audience", jwtAudience),
      ("jwt-leeway", jwtLeeway),
      ("jwt-require-exp", jwtRequireExp),
      ("jwt-user-claim", jwtUserClaim),
      ("jwt-permissions-claim", jwtPermissionsClaim),
      ("jwt-default-permissions", jwtDefaultPermissions),
    ]
  }
}

/// What `--auth jwt` is told, without the module that does it: a build may leave that out.
struct JWTSettings {
  /// A PEM file.
  var keyFile: String?
  var secretFile: String?
  var jwksFile: String?
  var issuer: String?
  var audiences: [String] = []
  var leewayMilliseconds: UInt64 = 30_000
  var requiresExpiry = false
  var userClaim: String?
  var permissionsClaim: String?
  var defaultPermissions: [String] = []

  var files: [String] { [keyFile, secretFile, jwksFile].compactMap { $0 } }
}

extension ServeOption {
  static var jwt: [ServeOption] {
    let options = [
      text("jwt-key-file", "path", \.jwt.keyFile,
        "A public key in PEM: RSA for RS256, P-256 for ES256, Ed25519 for EdDSA."),
      text("jwt-secret-file", "path", \.jwt.secretFile,
        "A shared secret for HS256, at least 32 bytes: the file as it is, or base64url behind base64url:."),
      text("jwt-jwks-file", "path", \.jwt.jwksFile, "A JSON Web Key Set, from which tokens choose by kid."),
      text("jwt-issuer", "text", \.jwt.issuer, "What iss must be."),
      ServeOption(
        name: "jwt-audience", placeholder: "texts", fallback: "tokens that name no audience",
        help: "One of these must be in aud; commas between them.",
        apply: { (settings, text) throws(OptionFault) in settings.jwt.audiences = try list(text, ",") }),
      duration("jwt-leeway", \.jwt.leewayMilliseconds, 0, "30s", "How far the issuer's clock may be from ours."),
      choice("jwt-require-exp", fallback: "no", "Whether a token without exp is refused.") {
        (settings, choice: YesOrNo) in settings.jwt.requiresExpiry = choice == .yes
      },
      text("jwt-user-claim", "claim", \.jwt.userClaim, "The claim that names the user.").defaulting(to: "sub"),
      text("jwt-permissions-claim", "claim", \.jwt.permissionsClaim,
        "The claim with the permissions: a list, or a text with blanks between them.").defaulting(to: "permissions"),
      ServeOption(
        name: "jwt-default-permissions", placeholder: "permissions", fallback: "none",
        help: "Permissions of a token without that claim; blanks between them.",
        apply: { (settings, text) throws(OptionFault) in settings.jwt.defaultPermissions = try list(text, " ") }),
    ]
    return options.map { $0.only(with: .jwt) }
  }

  private enum YesOrNo: String, CaseIterable { case yes, no }

  private static func list(_ text: String, _ separator: Character) throws(OptionFault) -> [String] {
    let items = text.split(separator: separator).map(String.init)
    guard !items.isEmpty else { throw OptionFault("is empty") }
    return items
  }
}
