import SessionCore

/// The word under the cursor, and all that stands before it.
package struct CompletionRequest: Equatable {
  package var before: String
  package var word: String

  package init(before: String, word: String) {
    self.before = before
    self.word = word
  }
}

/// Whole words that may stand there, and what follows one that is chosen.
package struct Completion: Equatable {
  package var candidates: [String] = []
  package var suffix: Character? = " "
}

/// What completion knows: the language, and what went over this connection. Bounded, since a peer chooses the names.
package struct Vocabulary {
  private static let maxNames = 500
  package private(set) var events: Set<String> = []
  package private(set) var rooms: Set<String> = []
  package private(set) var keys: Set<String> = []

  package init() {}

  package mutating func learn(event: String) { Vocabulary.insert(event, into: &events) }
  package mutating func learn(room: String) { Vocabulary.insert(room, into: &rooms) }
  package mutating func learn(key: String) { Vocabulary.insert(key, into: &keys) }

  private static func insert(_ name: String, into names: inout Set<String>) {
    guard names.count < maxNames, name.utf8.count <= 128, DisplayWidth.printable(name) == name else { return }
    names.insert(name)
  }

  /// The candidates that begin with the word, in order.
  package func complete(_ request: CompletionRequest) -> Completion {
    let before = request.before.drop { $0 == " " }
    if isInJSON(before) { return jsonKeys(request.word) }
    let words = (try? Token.split(String(before)))?.map(\.text) ?? before.split(separator: " ").map(String.init)
    guard let verb = words.first else { return matching(CommandTable.names, request.word) }
    if verb == "repeat", words.count >= 2 {
      let rest = words.dropFirst(2).map { $0 + " " }.joined()
      return complete(CompletionRequest(before: rest, word: request.word))
    }
    if words.last == "--room" { return matching(Array(rooms), request.word) }
    if words.last == "--within" { return matching(["1s", "2s", "5s"], request.word) }
    if request.word.hasPrefix("-") { return matching(options(words), request.word) }
    return matching(arguments(verb, words), request.word)
  }

  private func options(_ words: [String]) -> [String] {
    let isState = words.starts(with: ["expect", "state"])
    let options = CommandTable.entry(isState ? "expect state" : words[0])?.options ?? []
    return options.filter { !words.contains($0) }
  }

  private func arguments(_ verb: String, _ words: [String]) -> [String] {
    let entry = CommandTable.entry(words.starts(with: ["expect", "state"]) ? "expect state" : verb)
    let place = words.filter { !$0.hasPrefix("--") }.count
    switch verb {
    case "send" where place == 1: return Array(events) + ["echo", "time", "direct.send", "state.get", "state.set"]
    case "expect" where place == 1: return Array(events) + ["state", "reply", "error", "member", "gap"]
    case "join", "leave": return place == 1 ? Array(rooms) : []
    case "mute", "unmute": return Array(events)
    case "help": return CommandTable.names
    case "set" where place == 2 && ["quiet", "times"].contains(words[1]): return ["on", "off"]
    case "set" where place == 2 && words[1] == "format": return ["text", "ndjson"]
    default: return place == (entry?.name.contains(" ") == true ? 2 : 1) ? entry?.words ?? [] : []
    }
  }

  private func matching(_ names: [String], _ word: String) -> Completion {
    let found = Set(names).compactMap { name -> String? in
      let written = Vocabulary.written(name)
      return name.hasPrefix(word) || written.hasPrefix(word) ? written : nil
    }
    return Completion(candidates: found.sorted())
  }

  /// A name as a command has it: what would end the word, or begin another thing, makes it a JSON string.
  private static func written(_ name: String) -> String {
    let isWord = (try? Token.split(name)) == [Token(kind: .word, text: name)]
    return isWord ? name : JSONValue.string(name).text
  }

  private func isInJSON(_ before: Substring) -> Bool {
    var scanner = JSONScanner()
    before.utf8.forEach { scanner.take($0) }
    return scanner.depth > 0
  }

  private func jsonKeys(_ word: String) -> Completion {
    let quoted = keys.map { "\"\($0)\"" }.filter { $0.hasPrefix(word) }
    return Completion(candidates: quoted.sorted(), suffix: ":")
  }
}
