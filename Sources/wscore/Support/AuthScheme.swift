import ArgumentParser

/// The scheme under which client and load show their credential, which comes from a file or a variable.
package struct AuthScheme: ExpressibleByArgument, Sendable {
  package var name: String

  /// One that every authenticator of `wscore serve` takes.
  package static let standard = AuthScheme(name: "bearer")

  package init(name: String) { self.name = name }

  package init?(argument: String) {
    guard 1...64 ~= argument.utf8.count else { return nil }
    name = argument
  }

  package var defaultValueDescription: String { name }
}

extension ArgumentHelp {
  static let authScheme = ArgumentHelp(
    "Scheme of the credential: bearer, token, jwt, api-key, or one of the server's own.", valueName: "scheme")
}

extension Environment {
  /// A credential for those who name no file.
  static var credential: String? { value("WSCORE_TOKEN").flatMap { $0.isEmpty ? nil : $0 } }
}
