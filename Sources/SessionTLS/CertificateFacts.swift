/// What people are shown of a certificate, and whom it names. Nothing in it is secret.
package struct CertificateFacts: Sendable, Equatable {
  /// A name of the certificate's owner.
  package struct Name: Sendable, Equatable {
    package enum Kind: String, Sendable {
      case uri, dns, email
    }

    package var kind: Kind
    package var text: String

    package init(_ kind: Kind, _ text: String) { (self.kind, self.text) = (kind, text) }
  }

  /// The distinguished name: `CN=example.com, O=Example`.
  package var subject: String
  package var issuer: String
  /// The alternative names of the kinds above, in their order.
  package var names: [Name]
  package var commonName: String?
  /// Seconds since 1970, UTC.
  package var notBefore: Int64
  package var notAfter: Int64

  package init(
    subject: String, issuer: String, names: [Name], commonName: String?, notBefore: Int64, notAfter: Int64
  ) {
    (self.subject, self.issuer, self.names, self.commonName) = (subject, issuer, names, commonName)
    (self.notBefore, self.notAfter) = (notBefore, notAfter)
  }

  /// The most bytes of `identity`: a user's name has no more.
  package static let maxIdentityByteCount = 128

  /// Whom the certificate names, with the kind of name in front, so that no name of one kind passes for one of another:
  /// the first URI, else the first DNS name, else the first e-mail address, else the common name. A URI comes first since
  /// that is how identities of machines are written (SPIFFE allows exactly one); the common name comes last since an
  /// authority may write anything there. Nil if there is none, or if it has control characters or too many bytes.
  package var identity: String? {
    let order: [Name.Kind] = [.uri, .dns, .email]
    let name = order.lazy.compactMap { kind in names.first { $0.kind == kind } }.first
    let text = name.map { "\($0.kind.rawValue):\($0.text)" } ?? commonName.map { "cn:\($0)" }
    guard let text, text.utf8.count <= CertificateFacts.maxIdentityByteCount,
      text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }),
      !(name?.text ?? commonName ?? "").isEmpty
    else { return nil }
    return text
  }

  /// Whole days until it expires, rounded down; negative afterwards.
  package func daysLeft(at now: Int64) -> Int64 {
    let seconds = notAfter - now
    return seconds >= 0 ? seconds / 86_400 : -((-seconds + 86_399) / 86_400)
  }

  /// `2026-11-24T02:31:07Z`: RFC 3339, without the help of the C library's calendar.
  package static func date(_ seconds: Int64) -> String {
    let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
    let rest = seconds - days * 86_400
    // Civil date from days since 1970: years begin in March, so that the leap day is a year's last.
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let parts = [month, day, rest / 3_600, rest % 3_600 / 60, rest % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
    return "\(year)-\(parts[0])-\(parts[1])T\(parts[2]):\(parts[3]):\(parts[4])Z"
  }
}
