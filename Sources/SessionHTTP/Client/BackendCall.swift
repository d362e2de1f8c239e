#if HTTP
  import WebSocketFrames

  /// Bounds of the calls that serve one purpose: events, credentials, restoring.
  public struct BackendBounds: Sendable {
    /// For all of a call: waiting for a place, every attempt, and the whole answer.
    public var timeoutMilliseconds: UInt64
    /// Calls under way at one time.
    public var concurrency: Int
    /// Calls that wait for a place; more are turned away.
    public var waiting: Int
    /// Further attempts after one that was certainly not processed: no connection, or 503 with `Retry-After`.
    public var retryCount: Int
    /// Whether a call whose connection broke is sent again too. Right only for a backend that knows a call again by its
    /// `Idempotency-Key`.
    public var retriesBrokenCalls: Bool
    /// Bytes of an answer's body.
    public var answerByteCount: Int

    public init(
      timeoutMilliseconds: UInt64 = 10_000, concurrency: Int = 64, waiting: Int = 1_024, retryCount: Int = 3,
      retriesBrokenCalls: Bool = false, answerByteCount: Int = 1_048_576
    ) {
      (self.timeoutMilliseconds, self.concurrency, self.waiting) = (timeoutMilliseconds, concurrency, waiting)
      (self.retryCount, self.retriesBrokenCalls) = (retryCount, retriesBrokenCalls)
      self.answerByteCount = answerByteCount
    }
  }

  /// One POST with a JSON body.
  struct BackendRequest: Sendable {
    var url: HTTPURL
    var body: [UInt8]
    var idempotencyKey: String?
  }

  struct BackendAnswer: Sendable {
    var status: Int
    /// In lower case, without parameters.
    var contentType: String?
    /// From `Retry-After`, if that is a number of seconds.
    var retryAfterMilliseconds: UInt64?
    var body: [UInt8]

    var isSuccess: Bool { 200...299 ~= status }
  }

  /// Why there is no answer.
  enum BackendFailure: Error, Sendable, Equatable {
    /// No place was free in time: nothing was sent.
    case busy
    /// No connection: nothing was sent.
    case unreachable(String)
    /// The time was over. Whether the request was processed is not known.
    case late
    /// The connection broke, or what came is no HTTP. Whether the request was processed is not known.
    case broken(String)
    case answerTooLong(Int)

    var isKnownUnprocessed: Bool {
      switch self {
      case .busy, .unreachable: true
      case .late, .broken, .answerTooLong: false
      }
    }

    /// For logs.
    var text: String {
      switch self {
      case .busy: "no place was free in time"
      case .unreachable(let reason): "no connection: \(reason)"
      case .late: "no answer in time"
      case .broken(let reason): "the connection broke: \(reason)"
      case .answerTooLong(let limit): "the answer is longer than \(limit) bytes"
      }
    }
  }
#endif
