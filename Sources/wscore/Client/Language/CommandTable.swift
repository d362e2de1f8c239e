/// The commands as people see them: for `help`, completion and "did you mean".
package enum CommandTable {
  package struct Entry: Sendable {
    package var name: String
    package var usage: String
    package var summary: String
    package var options: [String] = []
    /// Words that may stand first behind the name.
    package var words: [String] = []
  }

  package static let entries: [Entry] = [
    Entry(name: "connect", usage: "connect [URL]", summary: "connect, or connect elsewhere with a new session"),
    Entry(name: "disconnect", usage: "disconnect [CODE]", summary: "close the connection and stay offline (1000)"),
    Entry(name: "resume", usage: "resume [--from SEQ]", summary: "connect again and resume the session",
      options: ["--from"]),
    Entry(name: "session", usage: "session", summary: "show the session, its counters and its connection"),
    Entry(name: "join", usage: "join ROOM [--presence] [--history N | --since LOG:OFFSET]", summary: "join a room",
      options: ["--presence", "--history", "--since"]),
    Entry(name: "leave", usage: "leave ROOM", summary: "leave a room"),
    Entry(name: "rooms", usage: "rooms", summary: "list the rooms that were joined"),
    Entry(name: "send", usage: "send EVENT [JSON] [--room ROOM] [--id ID] [--ack]",
      summary: "send an event; --ack waits until the server has processed it", options: ["--room", "--id", "--ack"]),
    Entry(name: "raw", usage: "raw TEXT", summary: "send text as it stands; so does a line that begins with {"),
    Entry(name: "ack", usage: "ack [SEQ]", summary: "acknowledge up to SEQ, or all that came"),
    Entry(name: "drop", usage: "drop clean [CODE] | fin | rst",
      summary: "cut the connection: close handshake, FIN, or RST", words: ["clean", "fin", "rst"]),
    Entry(name: "blackhole", usage: "blackhole in|out|both [DURATION] | off",
      summary: "keep the socket open and read or write nothing", words: ["in", "out", "both", "off"]),
    Entry(name: "expect", usage: "expect EVENT [PATH=VALUE...] [--within 2s] [--none]",
      summary: "fail unless such a message came or comes; EVENT may be a type or a pattern like chat.*",
      options: ["--within", "--none"], words: ["state"]),
    Entry(name: "expect state", usage: "expect state online|resuming|closed [--no-gap] [--no-dup] [--within 2s]",
      summary: "fail unless the session is, or comes, into that state", options: ["--no-gap", "--no-dup", "--within"],
      words: ["online", "resuming", "closed"]),
    Entry(name: "wait", usage: "wait acks|online|idle [--within 5s]", summary: "wait until that is so",
      options: ["--within"], words: ["acks", "online", "idle"]),
    Entry(name: "sleep", usage: "sleep DURATION", summary: "do nothing for a while"),
    Entry(name: "repeat", usage: "repeat N COMMAND", summary: "run a command N times"),
    Entry(name: "source", usage: "source FILE", summary: "run the commands of a file"),
    Entry(name: "set", usage: "set [NAME VALUE]", summary: "show or change format, quiet, times, timeout",
      words: ["format", "quiet", "times", "timeout"]),
    Entry(name: "mute", usage: "mute [PATTERN]", summary: "do not show such messages; list what is muted"),
    Entry(name: "unmute", usage: "unmute PATTERN", summary: "show them again"),
    Entry(name: "stats", usage: "stats", summary: "show the counters of this run"),
    Entry(name: "help", usage: "help [COMMAND]", summary: "show this"),
    Entry(name: "quit", usage: "quit", summary: "leave; so does Ctrl-D"),
  ]

  package static let names = entries.map(\.name).filter { !$0.contains(" ") }

  package static func entry(_ name: String) -> Entry? { entries.first { $0.name == name } }
}
