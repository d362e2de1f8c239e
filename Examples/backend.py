"""A backend of wscore in Python: it handles events (--route) and pushes through the API (--api-listen).

Usage: backend.py PORT API_URL SECRET_FILE    See docs/BACKENDS.md, "An example".
"""
import http.server
import json
import sys
import urllib.request

PORT, API, SECRET = int(sys.argv[1]), sys.argv[2], open(sys.argv[3]).read().strip()
orders = {}  # by idempotency id: an event that comes twice is one order


def push(path, body, key):
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json", "Idempotency-Key": key}
    request = urllib.request.Request(API + path, json.dumps(body).encode(), headers)
    return json.load(urllib.request.urlopen(request, timeout=5))


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        order = call["payload"]
        if call["event"] != "order.create" or not isinstance(order, dict) or not order.get("item"):
            return self.answer(400, {"code": "order.invalid", "message": "an order has an item"})
        order = orders.setdefault(call["id"], {"number": len(orders) + 1, "by": call["user"], **order})
        push("/v1/publish", {"room": "orders", "event": "order.created", "payload": order}, key=call["id"])
        self.answer(200, {"number": order["number"]})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Hook).serve_forever()
