import SessionCore
import WebSocketFrames

/// A table of what can be asked for, by method and path, and who may ask.
package struct HTTPRouter: Sendable {
  package typealias Action = @Sendable (HTTPRequest) async throws -> HTTPResponse

  package struct Route: Sendable {
    let method: String
    /// Nil where any segment fits and is captured.
    let template: [String?]
    /// The parameters that may stand in the query; nil where all others are passed over.
    let query: Set<String>?
    let action: Action

    /// In the path a name in braces stands for any one segment.
    private init(_ method: String, _ path: String, _ query: Set<String>?, _ action: @escaping Action) {
      (self.method, self.query, self.action) = (method, query, action)
      template = path.split(separator: "/").map { $0.hasPrefix("{") ? nil : String($0) }
    }

    package static func get(_ path: String, query: Set<String>? = [], _ action: @escaping Action) -> Route {
      Route("GET", path, query, action)
    }
    package static func delete(_ path: String, query: Set<String>? = [], _ action: @escaping Action) -> Route {
      Route("DELETE", path, query, action)
    }
    /// Without content: all that is to be set stands in the path and the query.
    package static func put(_ path: String, query: Set<String>? = [], _ action: @escaping Action) -> Route {
      Route("PUT", path, query, action)
    }
    /// The one kind with content, which is JSON.
    package static func post(_ path: String, query: Set<String>? = [], _ action: @escaping Action) -> Route {
      Route("POST", path, query, action)
    }

    fileprivate func captures(_ segments: [String]) -> [String]? {
      guard segments.count == template.count else { return nil }
      guard zip(template, segments).allSatisfy({ $0 == nil || $0 == $1 }) else { return nil }
      return zip(template, segments).compactMap { $0 == nil ? $1 : nil }
    }
  }

  /// A request that may be carried out as soon as its content is there.
  package struct Call: Sendable {
    package var request: HTTPRequest
    fileprivate let action: Action

    /// Whatever goes wrong becomes a response.
    package func perform() async -> HTTPResponse {
      do {
        return try await action(request)
      } catch let fault as HTTPFault {
        return fault.response
      } catch {
        return HTTPFault.stopping.response
      }
    }
  }

  private let routes: [Route]
  private let authorize: @Sendable (HTTPRequestHead) throws(HTTPFault) -> Void

  /// - Parameter authorize: judges every request before anything else is said about it.
  package init(
    _ routes: [Route], authorize: @escaping @Sendable (HTTPRequestHead) throws(HTTPFault) -> Void = { _ in }
  ) {
    (self.routes, self.authorize) = (routes, authorize)
  }

  /// All that can be said before the content is read.
  package func judge(_ head: HTTPRequestHead) throws(HTTPFault) -> Call {
    try authorize(head)
    let segments = head.path.utf8.split(separator: UInt8(ascii: "/")).map { PercentCoding.decode(Substring($0)) }
    let words = segments.compactMap { $0 }
    guard words.count == segments.count else { throw .invalid("malformed path") }
    let candidates = routes.compactMap { route in route.captures(words).map { (route, $0) } }
    guard !candidates.isEmpty else { throw HTTPFault(404, "path.unknown", "nothing is here") }
    // What is read of a resource can also be asked about without its content (RFC 9110 section 9.3.2).
    let method = head.method == "HEAD" ? "GET" : head.method
    guard let (route, captures) = candidates.first(where: { $0.0.method == method }) else {
      let methods = candidates.map(\.0.method).flatMap { $0 == "GET" ? ["GET", "HEAD"] : [$0] }
      throw HTTPFault(
        405, "method.unsupported", "this cannot be done with \(head.method)",
        fields: [HTTPField("Allow", methods.joined(separator: ", "))])
    }
    try HTTPRouter.judgeContent(head, isWanted: method == "POST")
    let parameters = try HTTPRouter.parameters(head.query)
    if let known = route.query, let unknown = parameters.keys.filter({ !known.contains($0) }).min() {
      throw .invalid("\"\(unknown)\" is no parameter of this")
    }
    return Call(request: HTTPRequest(head: head, captures: captures, parameters: parameters), action: route.action)
  }

  private static func judgeContent(_ head: HTTPRequestHead, isWanted: Bool) throws(HTTPFault) {
    guard isWanted else {
      guard let refusal = head.refusalOfContent else { return }
      throw HTTPFault(refusal.status, "body.unexpected", refusal.text)
    }
    guard head.framing != .none || !head.fields.values(of: "content-length").isEmpty else {
      throw HTTPFault(411, "length.required", "Content-Length is missing")
    }
    guard head.fields.values(of: "content-encoding").isEmpty else {
      throw HTTPFault(415, "type.unsupported", "encoded content is not taken")
    }
    let types = head.fields.values(of: "content-type")
    let type = types.first?.split(separator: ";").first?.filter { $0 != " " && $0 != "\t" }.lowercased()
    guard types.count == 1, type == "application/json" else {
      throw HTTPFault(415, "type.unsupported", "Content-Type must be application/json")
    }
  }

  private static func parameters(_ query: String?) throws(HTTPFault) -> [String: String] {
    var parameters: [String: String] = [:]
    for pair in (query ?? "").split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = PercentCoding.decode(parts[0]), let value = PercentCoding.decode(parts.count > 1 ? parts[1] : "")
      else { throw .invalid("malformed query") }
      parameters[name] = value
    }
    return parameters
  }
}
