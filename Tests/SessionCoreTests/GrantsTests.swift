import SessionCore
import Testing

@Suite struct GrantsTests {
  @Test(arguments: [
    (["*"], Grants.Act.join, "lobby", true), (["*"], .event, "echo", true),
    (["join:lobby"], .join, "lobby", true), (["join:lobby"], .join, "lobby2", false),
    (["join:lobby"], .publish, "lobby", false), (["publish:lobby"], .publish, "lobby", true),
    (["join:team-*"], .join, "team-7", true), (["join:team-*"], .join, "teams", false),
    (["join:*"], .join, "x", true), (["join:*"], .publish, "x", false), (["event:state.*"], .event, "state.get", true),
    (["event:state.*"], .event, "state", false), ([], .join, "lobby", false), (["admin"], .event, "echo", false),
    (["join:"], .join, "", true), (["join:a:b"], .join, "a:b", true),
    // Names are told apart by their bytes: e and an accent is not é, nor does it begin like it.
    (["join:\u{E9}"], .join, "e\u{301}", false), (["join:e*"], .join, "\u{E9}x", false),
  ]) func whatIsNotGrantedIsDenied(permissions: [String], act: Grants.Act, name: String, isAllowed: Bool) {
    #expect(Grants(permissions).allows(act, name) == isAllowed)
  }

  @Test func theVocabularyIsKnown() {
    for permission in ["*", "join:a", "publish:*", "event:x.y"] { #expect(Grants.isKnown(permission)) }
    for permission in ["", "join", "join:", "read:a", "JOIN:a", "**"] { #expect(!Grants.isKnown(permission)) }
  }
}
