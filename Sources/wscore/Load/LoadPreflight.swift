import SessionServer

/// What the machine must give before a run of many sessions makes sense.
enum LoadPreflight {
  /// Files that are open besides the sessions' sockets.
  private static let spareFiles = 64
  /// Below what Linux gives by default: net.ipv4.ip_local_port_range is 32768…60999.
  private static let ports = 28_000

  /// Raises the limit of open files as far as it goes.
  /// - Throws: `CLIError` that says what to change.
  static func check(_ plan: LoadPlan) throws(CLIError) {
    let needed = plan.sessions + spareFiles
    let limit = FileLimit.raise()
    guard limit >= needed else {
      throw CLIError(
        "\(plan.sessions) sessions need \(needed) open files, and this process may have \(limit)",
        next: "Run: ulimit -n \(needed)   (as root, or after raising the hard limit in /etc/security/limits.conf)",
        status: .configuration)
    }
    guard plan.isLoopback || plan.url.unixPath != nil || plan.sessions <= ports else {
      throw CLIError(
        "\(plan.sessions) connections to \(plan.url) need more local ports than one address has (\(ports))",
        next: "Run several of --sessions \(ports) from different addresses.", status: .configuration)
    }
  }
}
