import ArgumentParser
import WebSocketFrames

/// permessage-deflate: RFC 7692.
struct CompressionOptions: ServeOptionGroup {
  @Option(help: .serve("compression"), completion: .list(ServeSettings.Compression.allCases.map(\.rawValue)))
  var compression: String?
  @Option(help: .serve("compression-level")) var compressionLevel: String?
  @Option(help: .serve("compression-threshold")) var compressionThreshold: String?
  @Option(help: .serve("compression-window-bits")) var compressionWindowBits: String?
  @Option(help: .serve("compression-memory-level")) var compressionMemoryLevel: String?

  var given: [(name: String, text: String?)] {
    [
      ("compression", compression),
      ("compression-level", compressionLevel),
      ("compression-threshold", compressionThreshold),
      ("compression-window-bits", compressionWindowBits),
      ("compression-memory-level", compressionMemoryLevel),
    ]
  }
}

extension ServeOption {
  static var compression: [ServeOption] {
    [
      choice(
        "compression", fallback: "stateless",
        "Whether messages are compressed for clients that offer it, and whether a connection keeps a context for it.") {
          $0.compression = $1
        },
      count("compression-level", \.server.compression.level, 1...9, fallback: "1", "From fast to small."),
      size("compression-threshold", \.server.compression.thresholdByteCount, 0...1 << 20, "256B",
        "Shorter messages are sent as they are."),
      count("compression-window-bits", \.compressionWindowBits, 9...15, fallback: "15",
        "Base-2 logarithm of the largest window."),
      count("compression-memory-level", \.server.compression.memoryLevel, 1...9, fallback: "8",
        "zlib's memory level."),
    ]
  }
}

extension ServeSettings {
  enum Compression: String, CaseIterable {
    /// Nothing is compressed.
    case off
    /// Each message by itself: no memory for a connection.
    case stateless
    /// With what came before, which compresses better and costs memory for each connection.
    case context
  }

  var deflatePolicy: DeflatePolicy? {
    compression == .off ? nil : DeflatePolicy(keepsContext: compression == .context, maxWindowBits: compressionWindowBits)
  }
}
