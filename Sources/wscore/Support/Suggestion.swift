/// "Did you mean": the known word that is nearest to a misspelt one.
package enum Suggestion {
  /// The nearest of `words`, if it is near enough to have been meant: a third of its letters may be wrong, or one.
  package static func nearest(to word: String, among words: some Sequence<String>) -> String? {
    var best: (word: String, distance: Int)?
    for candidate in words {
      let distance = distance(word.lowercased(), candidate.lowercased())
      guard distance <= max(1, candidate.count / 3), distance < best?.distance ?? .max else { continue }
      best = (candidate, distance)
    }
    return best?.word ?? words.first { !word.isEmpty && $0.hasPrefix(word) }
  }

  /// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours.
  static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a.prefix(64)), Array(b.prefix(64)))
    guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
    var twoBack: [Int] = []
    var last = Array(0...b.count)
    for i in 1...a.count {
      var row = [i]
      for j in 1...b.count {
        let cost = a[i - 1] == b[j - 1] ? 0 : 1
        var least = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { least = min(least, twoBack[j - 2] + 1) }
        row.append(least)
      }
      twoBack = last
      last = row
    }
    return last[b.count]
  }
}
