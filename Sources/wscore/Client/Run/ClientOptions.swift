/// What the command line asks of a run.
struct ClientOptions {
  enum Format: String, CaseIterable { case text, ndjson }
  enum EndOfInput: String, CaseIterable { case drain, close, stay }

  var url: String
  /// Nil for the interactive client.
  var source: CommandSource?
  /// Whether `source` goes on with what comes from standard input.
  var readsStandardInput = false
  var reconnects = true
  var timeout: Duration = .seconds(5)
  var drainTimeout: Duration = .seconds(5)
  var onEndOfInput: EndOfInput = .drain
  var keepsGoing = false
  var format: Format = .text
  var isQuiet = false
  var style = Style(isColoured: false)
  var errorStyle = Style(isColoured: false)
  var isUTF8 = false

  var isInteractive: Bool { source == nil }
}
