extension AdminClient.Refusal {
  /// What to tell a person.
  /// - Parameters:
  ///   - subject: what was asked for, for example `"session s_7f3a"`.
  ///   - list: the command that lists what there is.
  func error(_ subject: String, list: String? = nil) -> CLIError {
    let subject = DisplayWidth.printable(subject)
    let message = DisplayWidth.printable(message)
    switch status {
    case 404:
      return CLIError("\(subject): not found", next: list.map { "To see what there is: \($0)" }, status: .failed)
    case 503:
      return CLIError("\(subject): the server is busy: \(message)", next: "Try again later.", status: .tryAgain)
    case 500...:
      return CLIError(
        "\(subject): the server failed: \(message) (\(status))", next: "See its log.", status: .failed)
    default:
      return CLIError(
        "\(subject): the server refused: \(message) (\(status))", next: list.map { "To see what there is: \($0)" },
        status: .failed)
    }
  }
}

/// Runs `body`, and tells a refusal as being about `subject`.
func asking<Result>(_ subject: String, list: String? = nil, _ body: () throws -> Result) throws -> Result {
  do { return try body() } catch let refusal as AdminClient.Refusal { throw refusal.error(subject, list: list) }
}
