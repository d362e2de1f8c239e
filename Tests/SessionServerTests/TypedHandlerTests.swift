import SessionCore
import SessionServer
import Testing

/// Payloads as Swift values: one that does not fit is answered with the place of the fault.
@Suite struct TypedHandlerTests {
  struct Order: Codable {
    struct Item: Codable { var qty: Int }
    var items: [Item]
    var names: [String: [Int]]?
    var note: String?
  }

  @Test(arguments: [
    (#"{"items":[{"qty":1},{"qty":"2"}]}"#, "/items/1/qty", "another type"),
    (#"{"items":[{"qty":1},{}]}"#, "/items/1", "\"qty\" is missing"),
    (#"{"items":[{"qty":null}]}"#, "/items/0/qty", "not null"),
    // Foundation does not say where it met a number that the type cannot hold.
    (#"{"items":[{"qty":1.5}]}"#, "", "expected"),
    (#"{"items":[],"names":{"a/b~":[1,true]}}"#, "/names/a~1b~0/1", "another type"),
    (#"{}"#, "", "\"items\" is missing"),
    ("[]", "", "another type"),
    ("7", "", "another type"),
  ]) func placeOfTheFault(_ payload: String, _ path: String, _ text: String) throws {
    let error = #expect(throws: ProtocolError.self) { try JSONPayload.decode(Order.self, Array(payload.utf8)) }
    #expect(error?.code == "payload.invalid" && error?.path == path)
    #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
    #expect(error?.message.hasPrefix(path.isEmpty ? "the payload: " : "\(path): ") == true)
  }

  @Test func whatFitsIsDecoded() throws {
    #expect(try JSONPayload.decode(Order.self, Array(#"{"items":[{"qty":3}]}"#.utf8)).items[0].qty == 3)
  }
}
