import FuzzSupport

let targets: [String: Target] = [
  "envelope": envelope, "hello": hello, "json": json, "operations": operations, "schema": schema,
]
