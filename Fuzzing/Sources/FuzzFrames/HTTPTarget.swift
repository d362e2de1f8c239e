import FuzzSupport
import WebSocketFrames

/// What a stream of HTTP came to. It must not depend on how the stream was cut.
private struct Parsed<Head: HTTPHead & Equatable>: Equatable {
  var head: Head?
  var error: HTTPHeadError?
  /// Bytes of the head, or 0.
  var byteCount = 0
}

private func parse<Head: HTTPHead & Equatable>(
  _ pieces: [[UInt8]], _ limits: HTTPHeadLimits
) -> Parsed<Head> {
  var parser = HTTPHeadParser<Head>(limits: limits)
  var parsed = Parsed<Head>()
  for piece in pieces {
    let isOver = piece.withUnsafeBytes { bytes in
      var offset = 0
      switch parser.next(bytes, from: &offset) {
      case .head(let head): parsed.head = head
      case .failed(let error): parsed.error = error
      case .needsMore: require(offset == bytes.count, "the parser wants more and has not taken what there is")
      }
      parsed.byteCount += offset
      return parsed.head != nil || parsed.error != nil
    }
    if isOver { break }
  }
  // Behind an error nothing is read: how far it looked is of no concern.
  if parsed.head == nil { parsed.byteCount = 0 }
  return parsed
}

/// Content behind a head.
private struct Content: Equatable {
  var bytes: [UInt8] = []
  var isComplete = false
  var error: HTTPBodyError?
}

private func read(_ pieces: [[UInt8]], _ framing: HTTPFraming, limit: Int) -> Content {
  var content = Content()
  do {
    var reader = try HTTPBodyReader(framing, limits: HTTPBodyLimits(contentBytes: limit, chunkLineBytes: 40, trailerBytes: 60))
    for piece in pieces {
      piece.withUnsafeBytes { bytes in
        var offset = 0
        while content.error == nil {
          switch reader.next(bytes, from: &offset) {
          case .content(let range): content.bytes += bytes[range]
          case .complete: return
          case .failed(let error): content.error = error
          case .needsMore: return
          }
        }
      }
    }
    content.isComplete = reader.isComplete
  } catch {
    content.error = error
  }
  // What came before an error may have been handed out or not.
  if content.error != nil { content.bytes = [] }
  return content
}

/// The head of a request or response, the content behind it, and the answer to an upgrade.
@Sendable func http(_ input: inout Input) {
  let flags = input.byte()
  let pieces = input.pieces()
  let data = input.remainder()
  let limits = flags & 2 == 0 ? HTTPHeadLimits() : HTTPHeadLimits(headBytes: 200, fieldCount: 4)
  if flags & 1 == 0 {
    let whole: Parsed<HTTPRequestHead> = parse([data], limits)
    requireEqual(whole, parse(pieces.cut(data), limits), "a request's head depends on the cuts")
    guard let head = whole.head else { return }
    judge(head, limits)
    compareContent(data, whole.byteCount, head.framing, pieces)
  } else {
    let whole: Parsed<HTTPResponseHead> = parse([data], limits)
    requireEqual(whole, parse(pieces.cut(data), limits), "a response's head depends on the cuts")
    guard let head = whole.head else { return }
    require(100...599 ~= head.status && !head.isInterim, "status \(head.status) is no end")
    guard let framing = try? head.framing() else { return }
    compareContent(data, whole.byteCount, framing, pieces)
  }
}

private func compareContent(_ data: [UInt8], _ start: Int, _ framing: HTTPFraming, _ pieces: Pieces) {
  let content = Array(data[start...])
  for limit in [100, 1_000_000] {
    let whole = read([content], framing, limit: limit)
    requireEqual(whole, read(pieces.cut(content), framing, limit: limit), "content depends on the cuts")
    require(whole.bytes.count <= limit, "content of \(whole.bytes.count) bytes, \(limit) at most")
    if case .length(let count) = framing, whole.isComplete { requireEqual(whole.bytes.count, count, "length") }
  }
}

/// Whatever the answer is, it is one that our own client reads.
private func judge(_ head: HTTPRequestHead, _ limits: HTTPHeadLimits) {
  require(head.path.hasPrefix("/") || head.path == "*", "path \(head.path)")
  require(head.fields.lines.count <= limits.fieldCount, "more fields than the limit")
  require(head.fields.lines.allSatisfy(\.isLegal), "an illegal field was let in")
  requireEqual(head.fields.values(of: "host").count, 1, "Host")
  let verdict = Upgrade.judge(head, subprotocols: ["wscore.v2.json", "wscore.v1.json"], deflate: DeflatePolicy(keepsContext: true))
  switch verdict {
  case .accepted(let accepted):
    let answer: Parsed<HTTPResponseHead> = parse([accepted.response()], HTTPHeadLimits())
    guard let response = answer.head else { fail("our answer 101 cannot be read: \(String(describing: answer.error))") }
    let key = head.fields.values(of: "sec-websocket-key").first ?? ""
    let offered = head.fields.elements(of: "sec-websocket-protocol")
    do {
      let chosen = try Upgrade.check(response, key: key, subprotocols: offered, offeredDeflate: true)
      requireEqual(chosen.subprotocol, accepted.subprotocol, "the subprotocol that was agreed")
      requireEqual(chosen.deflate, accepted.deflate, "the compression that was agreed")
    } catch {
      fail("our client refuses our answer: \(error)")
    }
  case .refused(let refusal):
    let bytes = refusal.bytes()
    let answer: Parsed<HTTPResponseHead> = parse([bytes], HTTPHeadLimits())
    guard let response = answer.head, let framing = try? response.framing() else { fail("our refusal cannot be read") }
    requireEqual(response.status, refusal.status, "status")
    let content = read([Array(bytes[answer.byteCount...])], framing, limit: 10_000)
    require(content.isComplete && content.error == nil, "the body of our refusal is cut")
  }
}
