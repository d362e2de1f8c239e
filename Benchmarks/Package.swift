// swift-tools-version: 6.2
import PackageDescription

/// The micro benchmarks; `make bench-micro` builds and runs them. What runs against other servers is not Swift: see README.md.
let package = Package(
  name: "wscore-benchmarks",
  dependencies: [.package(name: "wscore", path: "..")],
  targets: [
    // Replaces malloc, to count.
    .target(name: "CAllocations"),
    .executableTarget(
      name: "MicroBenchmarks",
      dependencies: [
        "CAllocations", .product(name: "SessionCore", package: "wscore"),
        .product(name: "WebSocketFrames", package: "wscore"),
      ],
      swiftSettings: [.treatAllWarnings(as: .error)]),
  ]
)
