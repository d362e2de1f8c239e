import ArgumentParser
import Glibc
import SessionCore

struct ClientCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "client",
    abstract: "Talk to a server: interactively, or by a script.",
    discussion: """
      On a terminal it asks for commands; `help` lists them. With --script, -c or
      piped input it runs them and exits with what became of them.
        wscore client
        wscore client ws://host:8080/ws --token-file token
        wscore client -c 'join lobby' -c 'send chat 1 --room lobby'
        wscore client --script smoke.wsc --format text
      """)

  @Argument(help: "Where the server listens.")
  var url = "ws://127.0.0.1:8080/ws"

  @Flag(
    help: ArgumentHelp(
      "Make no session: send every message back as it came until the peer closes. For conformance suites."))
  var rawEcho = false

  @OptionGroup(title: "Session options")
  var session: SessionOptions

  @OptionGroup(title: "TLS options")
  var tls: ClientTLSOptions

  @OptionGroup(title: "Script options")
  var script: ScriptOptions

  @OptionGroup(title: "Output options")
  var output: OutputOptions

  func validate() throws {
    if rawEcho, !script.script.isEmpty || !script.command.isEmpty {
      throw ValidationError("--raw-echo runs no commands")
    }
  }

  func run() throws {
    if rawEcho { return try RawEchoRun.run(url, tls: tls.make(), timeout: session.timeout) }
    let wakeup = try Wakeup()
    let mailbox = LinkMailbox(wakeup)
    let options = try runOptions()
    let link = try session.link(to: url, tls: tls.make(), mailbox)
    let status = try ClientRun(options, link: link, mailbox: mailbox, wakeup: wakeup).run()
    guard status == .ok else { throw status }
  }

  private func runOptions() throws(CLIError) -> ClientOptions {
    var options = ClientOptions(url: url)
    let stdinIsTerminal = Terminal.isTerminal(STDIN_FILENO), stdoutIsTerminal = Terminal.isTerminal(STDOUT_FILENO)
    let isNamed = !script.script.isEmpty || !script.command.isEmpty
    if isNamed || !stdinIsTerminal || !stdoutIsTerminal {
      let readsInput = !isNamed || script.script.contains("-")
      options.source = try script.source(readsInput: readsInput)
      options.readsStandardInput = readsInput
    }
    options.reconnects = session.reconnect
    options.timeout = session.timeout
    options.drainTimeout = script.drainTimeout
    options.onEndOfInput = script.onEof
    options.keepsGoing = script.keepGoing
    options.format = output.format ?? (stdoutIsTerminal ? .text : .ndjson)
    options.isQuiet = output.quiet
    options.style = Style(output.color, descriptor: STDOUT_FILENO)
    options.errorStyle = Style(output.color, descriptor: STDERR_FILENO)
    options.isUTF8 = Environment.isUTF8
    return options
  }
}

/// How the session is made and kept.
struct SessionOptions: ParsableArguments {
  enum Version: String, CaseIterable, ExpressibleByArgument { case v1, v2 }

  @Option(
    help: ArgumentHelp(
      "File with the credential, read again when the server says that it has ended. Without it, the variable "
        + "WSCORE_TOKEN; never a word of the command line, which other users can read.",
      valueName: "file"))
  var tokenFile: String?

  @Option(help: .authScheme)
  var authScheme = AuthScheme.standard

  @Option(name: .customLong("protocol"), help: "Version of the protocol.")
  var version: Version = .v2

  @Option(help: ArgumentHelp("Name of this device, shown by the server.", valueName: "name"))
  var instance: String?

  @Option(
    help: ArgumentHelp("How long the server is asked to keep the session while we are away.", valueName: "duration"))
  var ttl: Duration?

  @Option(help: ArgumentHelp("How many messages the server may have unacknowledged.", valueName: "messages"))
  var window: Int?

  @Flag(name: .customLong("no-ack"), help: "Acknowledge only by the command ack.")
  var noAck = false

  @Flag(inversion: .prefixedNo, help: "Whether to connect again, and resume, when the connection is lost.")
  var reconnect = true

  @Option(help: ArgumentHelp("How long connecting, and commands that wait, may take.", valueName: "duration"))
  var timeout: Duration = .seconds(5)

  func validate() throws {
    if let window, !(1...65_536 ~= window) { throw ValidationError("--window is a number from 1 to 65536") }
  }

  /// Who we are, as it stands in the file now; nil for nobody.
  func auth() throws(CLIError) -> ClientSession.Auth? {
    try credential().map { .init(scheme: authScheme.name, credential: Secret($0)) }
  }

  /// The credential, without the newline at its end.
  private func credential() throws(CLIError) -> String? {
    guard let tokenFile else { return Environment.credential }
    var text = Substring(String(decoding: try FileText.read(tokenFile), as: UTF8.self))
    while text.last?.isWhitespace == true { text.removeLast() }
    guard !text.isEmpty else { throw CLIError("\(tokenFile): no credential in it", status: .noInput) }
    return String(text)
  }
}

/// Commands that nobody types.
struct ScriptOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Run the commands of a file; - is standard input.", valueName: "file"))
  var script: [String] = []

  @Option(
    name: [.customShort("c"), .customLong("command")], parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Run a command; may be given again.", valueName: "command"))
  var command: [String] = []

  @Option(help: "At the end: wait for what is outstanding and close, close at once, or stay connected.")
  var onEof: ClientOptions.EndOfInput = .drain

  @Option(help: ArgumentHelp("How long to wait for what is outstanding.", valueName: "duration"))
  var drainTimeout: Duration = .seconds(5)

  @Flag(help: "Go on after an error; the exit status is still that of the first.")
  var keepGoing = false

  /// Files first, then commands.
  func source(readsInput: Bool) throws(CLIError) -> CommandSource {
    var source = CommandSource()
    for path in script where path != "-" {
      source.queue(ScriptLines(name: path, text: try FileText.read(path)))
    }
    for (position, command) in command.enumerated() {
      source.queue(ScriptLines(name: "-c#\(position + 1)", text: Array(command.utf8)))
    }
    if readsInput { source.queue(ScriptLines(name: "stdin", text: nil)) }
    return source
  }
}

/// What is shown.
struct OutputOptions: ParsableArguments {
  @Option(help: "text for people, ndjson for programs. (default: text on a terminal, else ndjson)")
  var format: ClientOptions.Format?

  @Option(help: "Colour; auto obeys NO_COLOR and CLICOLOR_FORCE.")
  var color: Style.Choice = .auto

  @Flag(name: .shortAndLong, help: "Show results and errors, not what comes and goes.")
  var quiet = false
}

extension ClientOptions.Format: ExpressibleByArgument {}
extension ClientOptions.EndOfInput: ExpressibleByArgument {}
