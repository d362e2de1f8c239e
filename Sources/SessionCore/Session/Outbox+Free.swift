extension Outbox {
  /// How much of a room's history it takes now: what is free but for a quarter, which is for what is said meanwhile.
  func free(_ limits: OutboxLimits) -> Window {
    Window(
      messageCount: max(0, limits.messageCount - limits.messageCount / 4 - messageCount - 1),
      byteCount: max(0, limits.byteCount - limits.byteCount / 4 - byteCount))
  }
}
