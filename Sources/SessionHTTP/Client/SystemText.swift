#if HTTP
  import Glibc

  enum SystemText {
    /// The system's own words for an error number.
    static func of(_ code: CInt) -> String { String(cString: strerror(code)).lowercased() }
  }
#endif
