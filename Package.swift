// swift-tools-version: 6.2
import PackageDescription

/// Swift 6 language mode comes with the tools version; no warning is let through in our own targets.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// Swift's libraries are linked into the program: it runs where there is no Swift, and calls them without a detour, of which
/// each message makes some dozens. Nobody who uses the libraries of this package gets these flags. Those that Foundation is
/// made of have these names since Swift 6.0 (tried with 6.3); `--static-swift-stdlib` would know them, and be asked for by hand.
let runtime = [
  "-static-stdlib", "-use-ld=lld", "-l_FoundationCollections", "-l_FoundationCShims", "-l_FoundationICU", "-lswift_RegexParser",
]

let package = Package(
  name: "wscore",
  products: [
    .library(name: "WebSocketFrames", targets: ["WebSocketFrames"]),
    .library(name: "SessionCore", targets: ["SessionCore"]),
    .library(name: "JSONSchemas", targets: ["JSONSchemas"]),
    .library(name: "SessionClient", targets: ["SessionClient"]),
    .library(name: "SessionServer", targets: ["SessionServer"]),
    .library(name: "SessionHTTP", targets: ["SessionHTTP"]),
    .library(name: "SessionJWT", targets: ["SessionJWT"]),
    .library(name: "SessionSimulator", targets: ["SessionSimulator"]),
    .executable(name: "wscore", targets: ["Program"]),
  ],
  // What brings dependencies of its own can be left out: `swift build --disable-default-traits` neither fetches nor
  // compiles them.
  traits: [
    .trait(name: "HTTP", description: "Backends over HTTP: SessionHTTP, and serve --auth http, --route and --restore-url."),
    .trait(name: "JWT", description: "Authentication by JSON Web Tokens: SessionJWT, and wscore serve --auth jwt."),
    .trait(name: "TLS", description: "TLS of the server and the clients: wss://, and wscore serve --tls-cert."),
    // For Simulation/ alone: no build of the server or the library has any of it.
    .trait(name: "PlantedFaults", description: "Faults in SessionCore that the simulator has to find."),
    .default(enabledTraits: ["HTTP", "JWT", "TLS"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
  ],
  targets: [
    .systemLibrary(name: "CPrefetch"),
    // zlib, of which every Debian system has the library.
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "WebSocketFrames", dependencies: ["CZlib"], swiftSettings: strict),
    .target(
      name: "SessionCore",
      dependencies: [
        "CPrefetch",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "HeapModule", package: "swift-collections"),
      ],
      swiftSettings: strict),
    .target(name: "JSONSchemas", dependencies: ["SessionCore"], swiftSettings: strict),
    .testTarget(name: "JSONSchemasTests", dependencies: ["JSONSchemas", "SessionCore"], swiftSettings: strict),
    // What server and clients share of TLS. Most of it stands in `#if TLS`.
    .target(
      name: "SessionTLS",
      dependencies: [.product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["TLS"]))],
      swiftSettings: strict),
    .testTarget(name: "SessionTLSTests", dependencies: ["SessionTLS"], swiftSettings: strict),
    .target(
      name: "SessionClient",
      dependencies: [
        "SessionCore", "SessionTLS", "SocketReactor", "WebSocketFrames",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "HeapModule", package: "swift-collections"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["TLS"])),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "SessionClientTests",
      dependencies: [
        "SessionClient", "SessionCore", "SocketReactor", "WebSocketFrames",
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
    // What Swift's own C modules leave out of Linux.
    .target(name: "CReactor"),
    .target(
      name: "SocketReactor",
      dependencies: [
        "CReactor",
        .product(name: "HeapModule", package: "swift-collections"),
        .product(name: "NIOCore", package: "swift-nio"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "SocketReactorTests",
      dependencies: ["SocketReactor", .product(name: "NIOCore", package: "swift-nio")],
      swiftSettings: strict),
    .target(
      name: "SessionServer",
      dependencies: [
        "SessionCore", "SessionTLS", "SocketReactor", "WebSocketFrames",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["TLS"])),
        .product(name: "NIOTLS", package: "swift-nio", condition: .when(traits: ["TLS"])),
      ],
      swiftSettings: strict),
    // Everything in it stands in `#if HTTP`: without the trait it is empty.
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
    .target(
      name: "SessionJWT",
      dependencies: [
        "SessionCore", "SessionServer",
        .product(name: "JWTKit", package: "jwt-kit", condition: .when(traits: ["JWT"])),
      ],
      swiftSettings: strict),
    .testTarget(name: "SessionHTTPTests", dependencies: ["SessionHTTP"], swiftSettings: strict),
    .testTarget(
      name: "SessionJWTTests",
      dependencies: [
        "SessionCore", "SessionJWT", "SessionServer",
        .product(name: "JWTKit", package: "jwt-kit", condition: .when(traits: ["JWT"])),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "SessionServerTests",
      dependencies: ["SessionServer", "SessionClient", "WebSocketFrames", .product(name: "Logging", package: "swift-log")],
      swiftSettings: strict),
    .testTarget(name: "SessionCoreTests", dependencies: ["JSONSchemas", "SessionCore", "SessionSimulator"], swiftSettings: strict),
    // In C, since readline's globals are not for Swift. GNU readline is GPL-3.0-or-later; see README.
    .target(name: "CReadline", linkerSettings: [.linkedLibrary("readline")]),
    .target(
      name: "wscore",
      dependencies: [
        "CReadline", "JSONSchemas", "SessionClient", "SessionCore", "SessionServer", "SocketReactor", "WebSocketFrames",
        .target(name: "SessionHTTP", condition: .when(traits: ["HTTP"])),
        .target(name: "SessionJWT", condition: .when(traits: ["JWT"])),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "Program", dependencies: ["wscore"], swiftSettings: strict,
      linkerSettings: [.unsafeFlags(runtime, .when(platforms: [.linux], configuration: .release))]),
    .testTarget(name: "wscoreTests", dependencies: ["wscore", "SessionCore", "WebSocketFrames"], swiftSettings: strict),
    .testTarget(name: "WebSocketFramesTests", dependencies: ["WebSocketFrames"], swiftSettings: strict),
  ]
)
