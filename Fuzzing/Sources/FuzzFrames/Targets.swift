import FuzzSupport

let targets: [String: Target] = [
  "close": close, "deflate": deflate, "extensions": extensions, "frames": frames, "http": http, "inflate": inflate,
  "messages": messages, "utf8": utf8,
]
