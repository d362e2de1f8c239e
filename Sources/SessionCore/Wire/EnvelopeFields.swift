/// The envelope's fields.
enum Field: UInt8, WireName {
  case v, seq, ack, type, event, ev, id, re, room, from, key, pos, delivery, history, payload, crit

  init?(word: UInt64) {
    switch word {
    case 0x76: self = .v
    case 0x73_6571: self = .seq
    case 0x61_636B: self = .ack
    case 0x7479_7065: self = .type
    case 0x65_7665_6E74: self = .event
    case 0x6576: self = .ev
    case 0x6964: self = .id
    case 0x7265: self = .re
    case 0x726F_6F6D: self = .room
    case 0x6672_6F6D: self = .from
    case 0x6B_6579: self = .key
    case 0x70_6F73: self = .pos
    case 0x6465_6C69_7665_7279: self = .delivery
    case 0x68_6973_746F_7279: self = .history
    case 0x70_6179_6C6F_6164: self = .payload
    case 0x6372_6974: self = .crit
    default: return nil
    }
  }
}

/// Which fields a message has shown so far.
struct FieldSet {
  private var known: UInt32 = 0
  /// Nil while there are none: an empty set is counted each time that it is handed on.
  private var unknown: Set<NameKey>?
  var type: JSONText?
  var crit: Range<Int>?

  @inline(__always) func contains(_ field: Field) -> Bool { known & 1 << UInt32(field.rawValue) != 0 }

  /// False if it was there.
  mutating func insert(_ field: Field) -> Bool {
    defer { insertNew(field) }
    return !contains(field)
  }

  /// One that was not there.
  @inline(__always) mutating func insertNew(_ field: Field) { known |= 1 << UInt32(field.rawValue) }

  mutating func insertUnknown(_ key: String) -> Bool {
    if unknown == nil { unknown = [] }
    return unknown?.insert(NameKey(key)).inserted == true
  }
}

/// The members of a message that was read before.
enum MessageMembers {
  /// Hands each on in its order, until `body` returns false: its field, where what is behind the colon begins, and its value.
  /// False if it was not handed on whole.
  static func forEach(
    _ message: Span<UInt8>, _ body: (_ field: Field?, _ valueStart: Int, _ value: Range<Int>) -> Bool
  ) -> Bool {
    var reader = JSONReader()
    do throws(Malformed) {
      repeat {
        reader.index += 1
        let key = try reader.string(message)
        try reader.expect(0x3A, message)
        let valueStart = reader.index
        let range = try reader.skipValue(message, depth: 1)
        guard body(Field(key, message), valueStart, range) else { return false }
      } while try reader.peek(message) == 0x2C
    } catch {
      return false
    }
    return true
  }
}
