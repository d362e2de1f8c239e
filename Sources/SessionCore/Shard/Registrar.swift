import DequeModule

/// What a registrar knows of a live session.
struct RegistryEntry {
  /// What waits while a claim is under way.
  enum Waiting {
    case claim(Claim)
    case mail(Mail, ReplyTo?)
  }

  /// The shard that has the session.
  var owner: Int
  /// The claim under way: one at a time, so that there is never a doubt who has the session.
  var claim: Claim?
  var waiting: Deque<Waiting> = []
  var waitingClaimCount = 0
  /// Of the messages that wait.
  var waitingByteCount = 0
  /// Messages over the bound: the session is told by a gap.
  var lostMailCount: UInt64 = 0
}

/// Sessions that are gone, for a while: bounded in number and in time.
struct Tombstones {
  private var stones: [SessionID: Tombstone] = [:]
  private var order: Deque<(sid: SessionID, expires: Instant)> = []
  let limit: Int
  let ttlMilliseconds: UInt64
  private static let delayMilliseconds: UInt64 = 1_000

  init(limit: Int, ttlMilliseconds: UInt64) { (self.limit, self.ttlMilliseconds) = (limit, ttlMilliseconds) }

  var count: Int { stones.count }

  subscript(sid: SessionID) -> Tombstone? { stones[sid] }

  mutating func insert(_ sid: SessionID, _ stone: Tombstone, now: Instant) {
    guard limit > 0 else { return }
    if stones.count >= limit { removeFirst() }
    stones[sid] = stone
    order.append((sid, now.advanced(byMilliseconds: ttlMilliseconds)))
  }

  /// When `removeExpired` is wanted: a while after the first one's end, so that many go at once.
  var next: Instant? { order.first?.expires.advanced(byMilliseconds: Tombstones.delayMilliseconds) }

  mutating func removeExpired(_ now: Instant) {
    while let first = order.first, first.expires <= now { removeFirst() }
    // Neither gives its room back by itself.
    if order.isEmpty { (stones, order) = ([:], []) }
  }

  private mutating func removeFirst() {
    guard let first = order.popFirst() else { return }
    stones[first.sid] = nil
  }
}

/// The shard as the registrar of the sessions that it made.
extension Shard {
  mutating func registrarClaimed(_ claim: Claim) {
    guard let entry = registry[claim.sid] else { return refuse(claim, tombstones[claim.sid]) }
    guard entry.claim != nil else { return forward(claim, to: entry.owner) }
    #if PlantedFaults
    let waitingCount = Planted.isOn(.claimsWaitWithoutBound) ? 0 : entry.waitingClaimCount
    #else
    let waitingCount = entry.waitingClaimCount
    #endif
    guard waitingCount < limits.waitingClaimCount else {
      return post(.refused(claim, Refused(reason: .takeoverLimit)), to: claim.shard)
    }
    registry[claim.sid]?.waiting.append(.claim(claim))
    registry[claim.sid]?.waitingClaimCount += 1
  }

  private mutating func forward(_ claim: Claim, to owner: Int) {
    registry[claim.sid]?.claim = claim
    post(.release(claim), to: owner)
  }

  private mutating func refuse(_ claim: Claim, _ stone: Tombstone?) {
    guard let stone else { return post(.refused(claim, Refused(reason: .unknown)), to: claim.shard) }
    post(.refused(claim, stone.answer(to: claim)), to: claim.shard)
  }

  mutating func registrarRefused(_ sid: SessionID, _ reason: ResumeRefusal) {
    guard let claim = registry[sid]?.claim else { return }
    post(.refused(claim, Refused(reason: reason)), to: claim.shard)
    #if PlantedFaults
    if Planted.isOn(.refusedClaimBlocks) { return }
    #endif
    registrarSettled(sid)
  }

  mutating func registrarMoved(_ transfer: SessionTransfer) {
    guard let claim = registry[transfer.sid]?.claim else { return }
    registry[transfer.sid]?.owner = claim.shard
    post(.granted(claim, transfer), to: claim.shard)
    registrarSettled(transfer.sid)
  }

  /// The claim under way is settled: what waited goes on, up to the next claim.
  mutating func registrarSettled(_ sid: SessionID) {
    registry[sid]?.claim = nil
    while let entry = registry[sid], entry.claim == nil, let waiting = registry[sid]?.waiting.popFirst() {
      switch waiting {
      case .claim(let claim):
        registry[sid]?.waitingClaimCount -= 1
        forward(claim, to: entry.owner)
      case .mail(let mail, let reply):
        if case .message(let message) = mail { registry[sid]?.waitingByteCount -= message.byteCount }
        post(.mail(sid, mail, reply: reply), to: entry.owner)
      }
    }
    if let entry = registry[sid], entry.claim == nil, entry.lostMailCount > 0 {
      registry[sid]?.lostMailCount = 0
      post(.mail(sid, .lost(count: entry.lostMailCount), reply: nil), to: entry.owner)
    }
  }

  mutating func registrarEnded(_ sid: SessionID, _ tombstone: Tombstone) {
    guard let entry = registry.removeValue(forKey: sid) else { return }
    tombstones.insert(sid, tombstone, now: now)
    if let claim = entry.claim { refuse(claim, tombstone) }
    for waiting in entry.waiting {
      switch waiting {
      case .claim(let claim): refuse(claim, tombstone)
      case .mail(_, let reply): answer(reply, .notFound)
      }
    }
  }

  mutating func registrarRoute(_ sid: SessionID, _ mail: Mail, _ reply: ReplyTo?) {
    guard let entry = registry[sid] else { return answer(reply, .notFound) }
    if entry.claim == nil {
      post(.mail(sid, mail, reply: reply), to: entry.owner)
    } else if case .message(let message) = mail, !hasRoom(entry, for: message) {
      registry[sid]?.lostMailCount += 1
      answer(reply, .count(1))
    } else {
      #if PlantedFaults
      if Planted.isOn(.mailOfMoversIsLost), case .message = mail { return answer(reply, .count(1)) }
      #endif
      guard case .message(let message) = mail else {
        registry[sid]?.waiting.append(.mail(mail, reply))
        return
      }
      registry[sid]?.waitingByteCount += message.byteCount
      // Taken, and answered at once: the claim may wait for who asks, whose own session is claimed and at work.
      registry[sid]?.waiting.append(.mail(mail, nil))
      answer(reply, .count(1))
    }
  }

  /// As much as an outbox holds waits for a session that is claimed.
  private func hasRoom(_ entry: RegistryEntry, for message: SharedMessage) -> Bool {
    entry.waiting.count - entry.waitingClaimCount < limits.outbox.messageCount
      && entry.waitingByteCount + message.byteCount <= limits.outbox.byteCount
  }

  // MARK: Users

  mutating func note(_ sid: SessionID, of user: String, isThere: Bool) {
    if isThere {
      users[user, default: []].insert(sid)
    } else {
      users[user]?.remove(sid)
      if users[user]?.isEmpty == true { users[user] = nil }
    }
  }

  mutating func routeToUser(_ user: String, _ mail: Mail, _ reply: ReplyTo?) {
    let sids = users[user, default: []].sorted()
    for sid in sids { post(.route(sid, mail, reply: nil), to: registrar(of: sid)) }
    answer(reply, sids.isEmpty ? .notFound : .count(sids.count))
  }

  mutating func answer(_ reply: ReplyTo?, _ done: Done) {
    switch reply {
    case nil: break
    case .operation(let operation)?: post(.done(.operation(operation), done), to: operation.shard)
    case .command(let token, let shard)?: post(.done(.command(token, shard: shard), done), to: shard)
    }
  }
}
