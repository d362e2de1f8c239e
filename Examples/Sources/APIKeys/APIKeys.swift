// Programs by API keys. The file holds their hashes only:
//
//     key=$(openssl rand -hex 16)
//     echo "ci sha256:$(printf %s "$key" | sha256sum | cut -d' ' -f1) builder join:build publish:build" > keys
//     chmod 600 keys
//     API_KEYS=keys swift run -c release APIKeys
//
// A client shows its key in `hello` as {"scheme":"api-key","credential":KEY}, or in the upgrade request as
// `X-API-Key: KEY`.
import Glibc
import Logging
import SessionCore
import SessionServer

@main
struct APIKeys {
  static func main() async throws {
    let logger = Logger(label: "api-keys")
    let authenticator = try await ReloadingAuthenticator(setting("API_KEYS", "keys"), logger: logger) { path in
      try APIKeyFile(path: path, logger: logger)
    }
    var configuration = ServerConfiguration()
    configuration.port = Int(setting("PORT", "8080")) ?? 8080
    configuration.credentialHeader = "X-API-Key"
    configuration.checksPermissions = true  // Those that stand behind the user in the file.
    let server = SessionServer(configuration, authenticator: authenticator, logger: logger)
    server.on("whoami") { _, session in .reply(JSONValue.string(session.principal.user).bytes) }
    try await server.run { logger.info("listening on ws://127.0.0.1:\($0.boundPort ?? 0)/ws") }
  }

  static func setting(_ name: String, _ standard: String) -> String { getenv(name).map { String(cString: $0) } ?? standard }
}
