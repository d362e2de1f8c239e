// swift-tools-version: 6.2
import PackageDescription

/// Each example is one small program; `make examples` builds them, Tests/process/test_examples.py runs them.
let common: [Target.Dependency] = [
  .product(name: "SessionServer", package: "wscore"), .product(name: "SessionCore", package: "wscore"),
  .product(name: "Logging", package: "swift-log"),
]

let package = Package(
  name: "wscore-examples",
  dependencies: [
    .package(name: "wscore", path: ".."),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
  ],
  targets: [
    .executableTarget(
      name: "JWTAuthentication", dependencies: common + [.product(name: "SessionJWT", package: "wscore")]),
    .executableTarget(name: "CustomToken", dependencies: common),
    .executableTarget(name: "APIKeys", dependencies: common),
  ]
)
