// swift-tools-version: 6.2
import PackageDescription

/// Programs that libFuzzer drives; docs/FUZZING.md. They have no `main` of their own: build them with
/// `swift build --sanitize fuzzer`, as tools/fuzz.py does. Each holds several targets, one of which FUZZ_TARGET names.
let package = Package(
  name: "wscore-fuzzing",
  products: [
    .executable(name: "FuzzFrames", targets: ["FuzzFrames"]),
    .executable(name: "FuzzSessions", targets: ["FuzzSessions"]),
    .executable(name: "FuzzNIO", targets: ["FuzzNIO"]),
  ],
  dependencies: [
    // Without its traits, so that what they bring is not compiled.
    .package(name: "wscore", path: "..", traits: []),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
  ],
  targets: [
    .target(name: "FuzzSupport"),
    // zlib as its manual shows it, apart from the code that is tested.
    .target(name: "ReferenceZlib", linkerSettings: [.linkedLibrary("z")]),
    // What a stream of frames comes to, by our parser and by one as one would write it first.
    .target(name: "FrameReading", dependencies: [.product(name: "WebSocketFrames", package: "wscore")]),
    .executableTarget(
      name: "FuzzFrames",
      dependencies: ["FrameReading", "FuzzSupport", "ReferenceZlib", .product(name: "WebSocketFrames", package: "wscore")]),
    .executableTarget(
      name: "FuzzSessions",
      dependencies: [
        "FuzzSupport", .product(name: "JSONSchemas", package: "wscore"), .product(name: "SessionCore", package: "wscore"),
        .product(name: "SessionSimulator", package: "wscore"),
      ]),
    // Apart, since NIO takes minutes to compile.
    .executableTarget(
      name: "FuzzNIO",
      dependencies: [
        "FrameReading", "FuzzSupport", .product(name: "WebSocketFrames", package: "wscore"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "NIOWebSocket", package: "swift-nio"),
      ]),
  ]
)
