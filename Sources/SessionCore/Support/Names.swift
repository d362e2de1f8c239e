extension String {
  /// Whether U+0000…U+001F or U+007F is in it: names of rooms and users have none.
  package var hasControlCharacter: Bool { unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } }
}
