import ArgumentParser
import SessionCore

struct RoomsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rooms",
    abstract: "List the rooms, or show one with its members.",
    discussion: """
      OFFSET counts the messages that were published in the room; LOG names that
      numbering.
        wscore inspect rooms
        wscore inspect rooms lobby --json | jq -r .members[]
      """)

  @Argument(
    help: ArgumentHelp("Show this room and its members.", valueName: "id"),
    completion: LiveNames.completion(LiveNames.rooms))
  var id: String?

  @Option(help: ArgumentHelp("At most so many.", valueName: "number"))
  var limit: Int?

  @OptionGroup var options: InspectOptions

  func validate() throws {
    try AdminTarget.checkIDs([id])
    guard id == nil || limit == nil else { throw ValidationError("--limit is for the list, not for one room") }
    guard limit.map({ $0 > 0 }) ?? true else { throw ValidationError("--limit is a number above 0") }
  }

  func run() throws {
    let report = options.begin()
    if let id {
      return try asking("room \(id)", list: "wscore inspect rooms") {
        try report.object(options.client.object(AdminTarget("rooms", id)))
      }
    }
    let columns: [Table.Column] = [
      .init("ROOM", shrinks: true), .init("MEMBERS", .right), .init("OFFSET", .right), .init("LOG"),
    ]
    var list = InspectList(report, columns) { room in
      ["room", "members", "offset", "log"].map { Humane.value(room[$0]) }
    }
    let target = AdminTarget("rooms").with("limit", limit.map(String.init))
    try asking("rooms") { try options.client.objects(target) { try list.append($0) } }
    try list.finish(none: "No rooms.")
  }
}
