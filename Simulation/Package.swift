// swift-tools-version: 6.2
import PackageDescription

/// The simulator as a program: `make sim`. It is a package of its own since it alone asks for the faults that are planted
/// in SessionCore, and so that it builds SessionCore and little else.
let package = Package(
  name: "wscore-simulation",
  dependencies: [
    .package(name: "wscore", path: "..", traits: ["PlantedFaults"]),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
  ],
  targets: [
    .executableTarget(
      name: "simulate",
      dependencies: [
        .product(name: "SessionSimulator", package: "wscore"), .product(name: "SessionCore", package: "wscore"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: [.treatAllWarnings(as: .error)])
  ]
)
