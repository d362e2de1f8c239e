import ArgumentParser

/// Some flags of `wscore serve`. A flag has no default of its own: the table of options has it, and the variable too.
protocol ServeOptionGroup: ParsableArguments {
  /// The flags under their options' names, nil for those that were not given.
  var given: [(name: String, text: String?)] { get }
}

extension ArgumentHelp {
  /// What the table says of an option.
  static func serve(_ name: String) -> ArgumentHelp {
    guard let option = ServeOption.named(name) else { preconditionFailure("\(name) is not in the table of options") }
    let fallback = option.fallback.map { "; default: \($0)" } ?? ""
    return ArgumentHelp("\(option.help) (env: \(option.variable)\(fallback))", valueName: option.placeholder)
  }
}
