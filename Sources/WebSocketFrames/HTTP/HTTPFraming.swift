/// How much content stands behind a head: RFC 9112 section 6.3.
public enum HTTPFraming: Sendable, Equatable {
  case none
  /// So many bytes, at least one.
  case length(Int)
  case chunked
  /// Up to the end of the connection; in responses only.
  case untilClose

  /// What the fields say; nil if they say nothing. Whatever two readers could understand as two lengths is refused:
  /// that is how a request is smuggled past one of them (sections 6.1 and 11.2).
  init?(_ fields: HTTPFields) throws(HTTPHeadError.Problem) {
    let codings = fields.values(of: "transfer-encoding")
    let lengths = fields.values(of: "content-length")
    guard codings.isEmpty else {
      guard lengths.isEmpty else { throw .conflictingLengths }
      guard codings.count == 1, Grammar.lowercased(codings[0]) == "chunked" else { throw .transferEncoding }
      self = .chunked
      return
    }
    guard let length = lengths.first else { return nil }
    guard lengths.count == 1, let count = Grammar.number(Array(length.utf8)) else { throw .badContentLength }
    self = count == 0 ? .none : .length(count)
  }
}

extension HTTPResponseHead {
  /// Of an answer to another method than `HEAD` and `CONNECT`.
  public func framing() throws(HTTPHeadError.Problem) -> HTTPFraming {
    if status < 200 || status == 204 || status == 304 { return .none }
    return try HTTPFraming(fields) ?? .untilClose
  }
}
