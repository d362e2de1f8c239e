import JSONSchemas
import Testing

@Suite struct PatternTests {
  private func isFound(_ pattern: String, _ text: String) throws -> Bool {
    var steps = 10_000_000
    // Nil, when the steps run out, is a failure of its own.
    let isFound: Bool? = try Pattern(pattern).isFound(in: text, steps: &steps)
    return try #require(isFound as Bool?)
  }

  @Test(arguments: [
    ("", ["", "a"], []), ("a", ["a", "bab"], ["", "b"]), ("^a$", ["a"], ["ab", "ba", "a\n"]),
    ("a|bc|", ["", "x"], []), ("^(a|bc)$", ["a", "bc"], ["", "abc"]), ("^a*$", ["", "aaa"], ["b"]),
    ("^a+?$", ["a", "aa"], [""]), ("^a{2}$", ["aa"], ["a", "aaa"]), ("^a{2,}$", ["aa", "aaaa"], ["a"]),
    ("^a{1,3}$", ["a", "aaa"], ["", "aaaa"]), ("^a{0}$", [""], ["a"]), ("^(ab){2}$", ["abab"], ["ab"]),
    ("^(a*)*$", ["", "aa"], ["b"]), ("^(|a)+$", ["", "aa"], ["b"]), ("^.$", ["x", "é", "💩"], ["\n", "\u{2028}", "", "ab"]),
    ("^[a-c_]$", ["b", "_"], ["d", "-"]), ("^[^a-c]$", ["d", "\n"], ["b"]), ("^[a-]$", ["a", "-"], ["b"]),
    ("^[]$", [], ["", "a"]), ("^[^]$", ["a", "\n"], [""]), (#"^\d\D\w\W\s\S$"#, ["1a_ \u{a0}b"], ["1a_ b"]),
    (#"^[\d\s]$"#, ["1", " "], ["a"]), (#"^[^\D]$"#, ["1"], ["a"]), (#"\bfoo\b"#, ["a foo b", "foo"], ["afoo", "foob"]),
    (#"\Boo"#, ["foo"], ["oo"]), (#"^\u0041\x42\u{1F4A9}\cJ\t\.$"#, ["AB💩\n\t."], ["AB"]),
    (#"^\ud83d\udca9$"#, ["💩"], ["x"]), (#"^\p{Lu}\p{L}\P{N}$"#, ["Éaa"], ["éaa", "Éa1"]), (#"^(?:a)(?<name>b)$"#, ["ab"], ["a"]),
    (#"^\/\-\_\@$"#, ["/-_@"], []), ("^\u{e9}$", ["\u{e9}"], ["e\u{301}"]), (#"^\S+@\S+$"#, ["a@b"], ["a b", "@"]),
    ("^}]$", ["}]"], []),
  ]) func matches(_ pattern: String, _ found: [String], _ missed: [String]) throws {
    for text in found { #expect(try isFound(pattern, text), "\(text)") }
    for text in missed { #expect(try !isFound(pattern, text), "\(text)") }
  }

  @Test(arguments: [
    "(", ")", "a)", "[a", "*", "a**", "a{", "a{1", "a{2,1}", "a{1001}", "{1}", "^*", #"\"#, #"\1"#, #"\k<a>"#, "(?=a)",
    "(?!a)", "(?<=a)", "(?<!a)", "(?i)a", #"\p{Script=Greek}"#, #"\pL"#, #"\q"#, #"\01"#, #"\u12"#, #"\ud83d"#,
    #"\ud83d\u0041"#, #"\u{110000}"#, "[b-a]", #"[a-\d]"#, "((a{100}){100}){100}", "(a{1000}){1000}",
    String(repeating: "(", count: 100) + String(repeating: ")", count: 100), String(repeating: "a", count: 5_000),
  ]) func refused(_ pattern: String) {
    #expect(throws: PatternFault.self) { try Pattern(pattern) }
  }

  /// Where a backtracking engine takes longer than the universe is old, the work here is characters × instructions.
  @Test(arguments: ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*)*x$", "^(([a-z])+.)+[A-Z]([a-z])+$"])
  func workIsBounded(_ pattern: String) throws {
    let text = String(repeating: "a", count: 20_000) + "!"
    var steps = 2_000_000
    #expect(try Pattern(pattern).isFound(in: text, steps: &steps) == false)
    #expect(steps > 0)
  }

  @Test func stepsRunOut() throws {
    var steps = 100
    #expect(try Pattern("^(a+)+$").isFound(in: String(repeating: "a", count: 1_000), steps: &steps) == nil)
  }
}
