import ArgumentParser
import SessionServer

/// The server with its built-in events.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Run a server.",
    discussion: """
      Keeps everything in memory and needs no configuration:
        wscore serve
        wscore serve --listen 0.0.0.0:8080 --auth token-file --token-file tokens
        WSCORE_PING_INTERVAL=5s wscore serve --log-format json

      Every option has a variable too, named with it; the option wins. SIGTERM
      lets the clients go first, a second one does not.
      """)

  @OptionGroup(title: "Endpoint options") var endpoint: EndpointOptions
  @OptionGroup(title: "TLS options") var tls: TLSOptions
  @OptionGroup(title: "Proxy options") var proxies: ProxyOptions
  @OptionGroup(title: "Authentication options") var authentication: AuthenticationOptions
  @OptionGroup(title: "JSON Web Token options") var jwt: JWTOptions
  @OptionGroup(title: "Backend options") var backends: BackendOptions
  @OptionGroup(title: "Admission options") var admission: AdmissionOptions
  @OptionGroup(title: "Lifetime options") var lifetimes: LifetimeOptions
  @OptionGroup(title: "Bounds") var bounds: BoundOptions
  @OptionGroup(title: "Traffic options") var traffic: TrafficOptions
  @OptionGroup(title: "Compression options") var compression: CompressionOptions
  @OptionGroup(title: "Room options") var rooms: RoomOptions
  @OptionGroup(title: "Event options") var events: EventOptions
  @OptionGroup(title: "Operation options") var operation: OperationOptions

  /// The flags that were given, under their options' names.
  private var flags: [String: String] {
    let groups: [any ServeOptionGroup] = [
      endpoint,
      tls,
      proxies,
      authentication,
      jwt,
      backends,
      admission,
      lifetimes,
      bounds,
      traffic,
      compression,
      rooms,
      events,
      operation,
    ]
    return Dictionary(uniqueKeysWithValues: groups.flatMap(\.given).compactMap { name, text in text.map { (name, $0) } })
  }

  func run() async throws {
    let settings = try ServeSettingsReader.read(flags: flags)
    try await ServeRunner(settings: settings).run()
  }
}
