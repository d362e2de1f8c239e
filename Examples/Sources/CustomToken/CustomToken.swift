// Users by tokens of your own. The hook is `AccountAuthenticator`; the rest is a server like any other:
//
//     swift run -c release CustomToken
//
// A client shows its token in `hello` as {"scheme":"account","credential":"ann-7f3a"}.
import Glibc
import Logging
import SessionCore
import SessionServer

/// Stands for your database.
actor Accounts {
  private var users = ["ann-7f3a": "ann", "bob-19c2": "bob"]

  func user(of token: String) -> String? { users[token] }

  func revoke(_ token: String) { users[token] = nil }
}

/// Asked at every `hello`, when a session is resumed too: a token that was revoked does not come back.
struct AccountAuthenticator: Authenticator {
  let accounts: Accounts

  func authenticate(_ credentials: Credentials) async throws -> Principal {
    guard credentials.scheme == "account", let token = credentials.secret?.reveal() else { throw CredentialRefusal.scheme }
    guard let user = await accounts.user(of: token) else { throw CredentialRefusal.unknown }
    return Principal(user: user, permissions: ["*"], validForMilliseconds: 3_600_000)
  }
}

@main
struct CustomToken {
  static func main() async throws {
    let logger = Logger(label: "custom-token")
    var configuration = ServerConfiguration()
    configuration.port = getenv("PORT").flatMap { Int(String(cString: $0)) } ?? 8080
    let accounts = Accounts()
    let server = SessionServer(configuration, authenticator: AccountAuthenticator(accounts: accounts), logger: logger)
    server.on("whoami") { _, session in .reply(JSONValue.string(session.principal.user).bytes) }
    server.onAsync("logout") { event, _ in
      await accounts.revoke(try event.decode(String.self))
      return .reply(Array("true".utf8))
    }
    try await server.run { logger.info("listening on ws://127.0.0.1:\($0.boundPort ?? 0)/ws") }
  }
}
