// swift-tools-version: 6.2
import PackageDescription

/// Swift 6 language mode comes with the tools version; no warning is let through in our own targets.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
  name: "wscore",
  products: [
    .library(name: "WebSocketFrames", targets: ["WebSocketFrames"]),
    .library(name: "SessionCore", targets: ["SessionCore"]),
    .library(name: "SessionClient", targets: ["SessionClient"]),
    .library(name: "SessionServer", targets: ["SessionServer"]),
    .library(name: "SessionSimulator", targets: ["SessionSimulator"]),
    .executable(name: "wscore", targets: ["wscore"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
  ],
  targets: [
    // zlib, of which every Debian system has the library.
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "WebSocketFrames", dependencies: ["CZlib"], swiftSettings: strict),
    .target(
      name: "SessionCore",
      dependencies: [
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "HeapModule", package: "swift-collections"),
      ],
      swiftSettings: strict),
    .target(
      name: "SessionClient",
      dependencies: [
        "SessionCore", "WebSocketFrames",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "HeapModule", package: "swift-collections"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "SessionClientTests",
      dependencies: [
        "SessionClient", "SessionCore", "WebSocketFrames",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: strict),
    .target(
      name: "SessionSimulator",
      dependencies: [
        "SessionCore",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "HeapModule", package: "swift-collections"),
      ],
      swiftSettings: strict),
    .target(
      name: "SessionServer",
      dependencies: [
        "SessionCore", "WebSocketFrames",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "SessionServerTests", dependencies: ["SessionServer", "SessionClient"], swiftSettings: strict),
    .testTarget(name: "SessionCoreTests", dependencies: ["SessionCore", "SessionSimulator"], swiftSettings: strict),
    // The one target with C: readline's globals are not for Swift. GNU readline is GPL-3.0-or-later; see README.
    .target(name: "CReadline", linkerSettings: [.linkedLibrary("readline")]),
    .executableTarget(
      name: "wscore",
      dependencies: [
        "CReadline", "SessionClient", "SessionCore", "SessionServer", "WebSocketFrames",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: strict),
    .testTarget(name: "wscoreTests", dependencies: ["wscore", "SessionCore", "WebSocketFrames"], swiftSettings: strict),
    .testTarget(name: "WebSocketFramesTests", dependencies: ["WebSocketFrames"], swiftSettings: strict),
  ]
)
