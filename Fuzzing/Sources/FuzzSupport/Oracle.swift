import Glibc

/// Something is not as it must be: ends the process, so that the fuzzer keeps the input.
public func fail(_ text: @autoclosure () -> String) -> Never { fatalError("ORACLE: \(text())") }

public func require(_ isTrue: Bool, _ text: @autoclosure () -> String) {
  if !isTrue { fail(text()) }
}

/// Both sides must have found the same.
public func requireEqual<Value: Equatable>(_ left: Value, _ right: Value, _ text: @autoclosure () -> String) {
  if left != right { fail("\(text()):\n  \(left)\n  \(right)") }
}

/// One function from bytes to nothing, by its name.
public typealias Target = @Sendable (inout Input) -> Void

/// The target that FUZZ_TARGET names.
public func chosenTarget(_ targets: [String: Target]) -> Target {
  let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
  guard let target = targets[name] else {
    print("set FUZZ_TARGET to one of: \(targets.keys.sorted().joined(separator: ", "))")
    exit(64)
  }
  return target
}

/// One run of the fuzzer.
public func run(_ target: Target, _ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  var input = Input(UnsafeBufferPointer(start: data, count: size))
  target(&input)
  return 0
}
