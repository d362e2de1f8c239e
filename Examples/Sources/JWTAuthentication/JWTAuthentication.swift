// Users by JSON Web Tokens that somebody else signs:
//
//     openssl genpkey -algorithm ed25519 -out private.pem
//     openssl pkey -in private.pem -pubout -out public.pem
//     JWT_KEY=public.pem swift run -c release JWTAuthentication
//
// A client shows its token in `hello` as {"scheme":"jwt","credential":"eyJ…"}, or in the upgrade request as
// `Authorization: Bearer eyJ…`.
import Glibc
import Logging
import SessionCore
import SessionJWT
import SessionServer

@main
struct JWTAuthentication {
  static func main() async throws {
    let logger = Logger(label: "jwt-authentication")
    var rules = JWTRules()
    rules.audiences = ["chat"]
    // Read again when the file changes, and on SIGHUP.
    let authenticator = try await ReloadingAuthenticator(setting("JWT_KEY", "public.pem"), logger: logger) {
      [rules] path in JWTAuthenticator(keys: try await .pem(path), rules: rules)
    }
    var configuration = ServerConfiguration()
    configuration.port = Int(setting("PORT", "8080")) ?? 8080
    configuration.checksPermissions = true  // The claim "permissions" bounds what the user may do.
    let server = SessionServer(configuration, authenticator: authenticator, logger: logger)
    server.on("whoami") { _, session in .reply(JSONValue.string(session.principal.user).bytes) }
    try await server.run { logger.info("listening on ws://127.0.0.1:\($0.boundPort ?? 0)/ws") }
  }

  static func setting(_ name: String, _ standard: String) -> String { getenv(name).map { String(cString: $0) } ?? standard }
}
