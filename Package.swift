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
    .library(name: "SessionHTTP", targets: ["SessionHTTP"]),
    .library(name: "SessionSimulator", targets: ["SessionSimulator"]),
    .executable(name: "wscore", targets: ["wscore"]),
  ],
  traits: [
    .trait(name: "HTTP", description: "Backends over HTTP: SessionHTTP, and serve --auth http, --route and --restore-url."),
    .default(enabledTraits: ["HTTP"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
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
    // Everything in it stands in `#if HTTP`: without the trait it is empty, and its packages are not even fetched.
    .target(
      name: "SessionHTTP",
      dependencies: [
        "SessionCore", "SessionServer", "WebSocketFrames",
        .product(name: "AsyncHTTPClient", package: "async-http-client", condition: .when(traits: ["HTTP"])),
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["HTTP"])),
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
        .target(name: "SessionHTTP", condition: .when(traits: ["HTTP"])),
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
