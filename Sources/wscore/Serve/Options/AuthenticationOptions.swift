import ArgumentParser

/// Who may come.
struct AuthenticationOptions: ServeOptionGroup {
  @Option(help: .serve("auth"), completion: .list(["none", "token-file", "http"])) var auth: String?
  @Option(help: .serve("token-file"), completion: .file()) var tokenFile: String?

  var given: [(name: String, text: String?)] {
    [
      ("auth", auth),
      ("token-file", tokenFile),
    ]
  }
}

extension ServeOption {
  static var authentication: [ServeOption] {
    [
      choice("auth", fallback: "none, or token-file or http if their options are given", "How clients show who they are.") {
        $0.authentication = $1
      },
      ServeOption(
        name: "token-file", placeholder: "path",
        help: "Tokens and their users, one a line: TOKEN USER [join:ROOM…].",
        apply: { (settings, text) throws(OptionFault) in settings.tokenFile = text }),
    ]
  }
}
