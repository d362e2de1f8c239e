import Glibc

/// What the system knows of this process.
enum ProcessFigures {
  /// Resident memory in bytes: the second figure of /proc/self/statm, in pages (proc(5)).
  static func residentByteCount() -> Int {
    guard let content = SystemFile.read("/proc/self/statm", atMost: 4_096) else { return 0 }
    let words = String(decoding: content, as: UTF8.self).split(separator: " ")
    guard words.count > 1, let pages = Int(words[1]) else { return 0 }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }

  /// User and system time so far.
  static func cpuSeconds() -> Double {
    var usage = rusage()
    guard getrusage(RUSAGE_SELF.rawValue, &usage) == 0 else { return 0 }
    let microseconds = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(microseconds) / 1e6
  }
}
