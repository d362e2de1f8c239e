import SessionCore

/// A connection that says one hello, listens for a while and goes: one of a crowd, or the echo of a client's hello.
final class Stranger: WireClient {
  /// Proof for `unsafe`: the run owns it.
  private unowned(unsafe) let run: Run
  private let wire: Wire

  init(run: Run, hello: [UInt8]? = nil, node: Int? = nil) {
    self.run = run
    wire = run.world.connect(node: node)
    run.judge.wires[wire.id].isHostile = true
    wire.client = self
    let own = Array(
      #"{"v":2,"type":"hello","payload":{"versions":[2],"auth":{"scheme":"none","credential":"crowd"},"ttl_ms":100}}"#.utf8)
    run.world.send([hello ?? own], on: wire)
    run.later(microseconds: 200_000) { [weak self] in self?.leave() }
  }

  /// What the client of a session says when it comes back.
  static func hello(resuming session: SessionRecord) -> [UInt8] {
    let epoch = session.epoch.isEmpty ? "0000000000000000" : session.epoch
    let resume = #""resume":{"sid":"\#(session.sid)","token":"\#(session.token)","epoch":"\#(epoch)","ack":0}"#
    let auth = #""auth":{"scheme":"none","credential":"\#(session.user)"}"#
    return Array((#"{"v":2,"type":"hello","payload":{"versions":[2],"# + auth + "," + resume + "}}").utf8)
  }

  func heard(_ wire: Wire, _ bytes: [UInt8], _ messages: [Range<Int>]) {}
  func closed(_ wire: Wire, _ code: UInt16) {}

  private func leave() {
    guard wire.closeCode == nil else { return }
    wire.client = nil
    run.world.drop(wire)
  }
}
