/// What became of a connection that was cut: measured from the cut to the end of the replay.
///
///     fault rst -> resumed in 84 ms, replayed 7, lost 0, dup 0
package struct FaultVerdict: Equatable, Sendable {
  /// As it was asked for, for example `rst`; `net` when nobody asked.
  package var fault: String
  package var resumed: Bool
  /// Why the session could not be resumed.
  package var reason: String?
  package var elapsed: Duration
  package var replayed: UInt64
  /// Messages from the server that are gone, named in a gap or not, and sends of unknown fate.
  package var lost: UInt64
  package var duplicates: UInt64

  /// - Parameters:
  ///   - before: the account when the connection was cut.
  ///   - after: the account when the new connection went live.
  package init(fault: String, before: SessionLedger, after: SessionLedger, elapsed: Duration) {
    self.fault = fault
    resumed = after.wasResumed
    reason = after.refusal
    self.elapsed = elapsed
    replayed = after.replayed
    lost = after.holes + after.gaps + after.unknown - before.holes - before.gaps - before.unknown
    duplicates = after.duplicates - before.duplicates
  }

  /// The session went on and nothing is missing or came twice.
  package var isClean: Bool { resumed && lost == 0 && duplicates == 0 }

  package func text(arrow: String) -> String {
    let outcome = resumed ? "resumed" : "new session (\(reason ?? "not resumed"))"
    return "fault \(fault) \(arrow) \(outcome) in \(Quantity.spoken(elapsed)), "
      + "replayed \(replayed), lost \(lost), dup \(duplicates)"
  }
}
