#if PlantedFaults
/// A fault that the simulator plants in the core to see whether it is found. None of this, and none of the places where
/// it is asked, is in any build but the simulator's: docs/SIMULATOR.md.
public enum PlantedFault: String, CaseIterable, Sendable {
  // One owner.
  case ownerKeepsItsCopy
  // No loss in the window.
  case overflowIsNotTold, replayForgetsTheOldest, missedWhileMoving, mailOfMoversIsLost
  // No duplicates.
  case heldMessagesComeTwice, replayHasOtherBytes
  // Order.
  case heldMessagesComeBackwards, roomSaysItInAnotherOrder
  // Ack honesty.
  case ackMeansReceived, duplicateIsProcessedAgain, replyIsForgotten
  // Acks are monotone and bounded.
  case ackFromTheFutureCounts, ackGoesBack
  // Membership survives drops.
  case dropLeavesARoom, moverLosesARoom
  // Both indices agree.
  case homeKeepsTheExpired, emptyRoomStays
  // Expiry.
  case expiresEarly, expiresLate, expiresTwice
  // No resurrection.
  case endedComesBack, revocationOnlySuspends
  // Takeover.
  case replacedStaysOpen, replacedIsNotTold
  // Fencing.
  case lateAnswerCounts, generationStands
  // Token secrecy and binding.
  case anyTokenDoes, anyUserDoes, oldTokenLivesOn
  // Bounded memory.
  case outboxHasNoBound, claimsWaitWithoutBound, complaintsHaveNoBound
  // Isolation.
  case slowMemberStopsTheRoom, innocentPaysForTheLargest
  // Lifecycle.
  case connectionIsNotForgotten, accountKeepsTheDead, userKeepsTheDead, closeIsToldTwice
  // Version.
  case otherVersionIsTaken, welcomeBreaksVersion1
  // Shutdown.
  case drainTakesSessions, drainTellsNobody
  // Liveness.
  case refusedClaimBlocks, pausedForEver, windowOpensUnnoticed, ackIsNeverSent, seamIsNeverLive

  /// The number of the invariant that it breaks.
  public var invariant: Int {
    switch self {
    case .ownerKeepsItsCopy: 1
    case .overflowIsNotTold, .replayForgetsTheOldest, .missedWhileMoving, .mailOfMoversIsLost: 2
    case .heldMessagesComeTwice, .replayHasOtherBytes: 3
    case .heldMessagesComeBackwards, .roomSaysItInAnotherOrder: 4
    case .ackMeansReceived, .duplicateIsProcessedAgain, .replyIsForgotten: 5
    case .ackFromTheFutureCounts, .ackGoesBack: 6
    case .dropLeavesARoom, .moverLosesARoom: 7
    case .homeKeepsTheExpired, .emptyRoomStays: 8
    case .expiresEarly, .expiresLate, .expiresTwice: 9
    case .endedComesBack, .revocationOnlySuspends: 10
    case .replacedStaysOpen, .replacedIsNotTold: 11
    case .lateAnswerCounts, .generationStands: 12
    case .anyTokenDoes, .anyUserDoes, .oldTokenLivesOn: 13
    case .outboxHasNoBound, .claimsWaitWithoutBound, .complaintsHaveNoBound: 14
    case .slowMemberStopsTheRoom, .innocentPaysForTheLargest: 15
    case .connectionIsNotForgotten, .accountKeepsTheDead, .userKeepsTheDead, .closeIsToldTwice: 16
    case .otherVersionIsTaken, .welcomeBreaksVersion1: 17
    case .drainTakesSessions, .drainTellsNobody: 18
    case .refusedClaimBlocks, .seamIsNeverLive: 19
    case .pausedForEver, .windowOpensUnnoticed, .ackIsNeverSent: 20
    }
  }
}

public enum Planted {
  /// Proof for `unsafe`: it is written between two campaigns, when no world is there that reads it.
  public nonisolated(unsafe) static var active: PlantedFault?

  @inline(__always)
  static func isOn(_ fault: PlantedFault) -> Bool { active == fault }
}
#endif
