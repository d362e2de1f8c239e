// swift-tools-version: 6.2
import PackageDescription

/// Swift 6 language mode comes with the tools version; no warning is let through in our own targets.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
  name: "wscore",
  products: [
    .library(name: "WebSocketFrames", targets: ["WebSocketFrames"]),
    .library(name: "SessionCore", targets: ["SessionCore"]),
    .library(name: "SessionSimulator", targets: ["SessionSimulator"]),
    .executable(name: "wscore", targets: ["wscore"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    .target(name: "WebSocketFrames", swiftSettings: strict),
    .target(
      name: "SessionCore",
      dependencies: [
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "HeapModule", package: "swift-collections"),
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
    .testTarget(name: "SessionCoreTests", dependencies: ["SessionCore", "SessionSimulator"], swiftSettings: strict),
    // The one target with C: readline's globals are not for Swift. GNU readline is GPL-3.0-or-later; see README.
    .target(name: "CReadline", linkerSettings: [.linkedLibrary("readline")]),
    .executableTarget(
      name: "wscore",
      dependencies: [
        "CReadline", "SessionCore",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: strict),
    .testTarget(name: "wscoreTests", dependencies: ["wscore"], swiftSettings: strict),
    .testTarget(name: "WebSocketFramesTests", dependencies: ["WebSocketFrames"], swiftSettings: strict),
  ]
)
