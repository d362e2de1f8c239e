import wscore

/// The executable: a module of its own, so that what is linked into it alone is not linked into the tests of what it runs.
@main
enum Program {
  static func main() { Entry.main() }
}
