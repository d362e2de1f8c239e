import SessionServer
import Testing

@Suite("MetricsEncoder")
struct MetricsEncoderTests {
  @Test func `families in the text format`() {
    var encoder = MetricsEncoder()
    encoder.add("a_total", .counter, "Back\\slash\nand line.", [.init(3)])
    encoder.add("b", .gauge, "Two.", [.init(1.5, "kind", "x\"y\\z\n"), .init(Double(1 << 52), "kind", "big")])
    let expected = #"""
      # HELP a_total Back\\slash\nand line.
      # TYPE a_total counter
      a_total 3
      # HELP b Two.
      # TYPE b gauge
      b{kind="x\"y\\z\n"} 1.5
      b{kind="big"} 4503599627370496

      """#
    #expect(encoder.text == expected)
  }
}
