"""Backends for tests: a small HTTP server that records what it is asked, and answers as the test says."""
import http.server
import json
import socket
import threading


class Call:
    """One request."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Backend:
    """Answers with what `answer(call)` gives: (status, body) or (status, body, headers), the body as JSON value or bytes;
    or a function of the socket, for answers that no HTTP server would give."""

    def __init__(self, answer=lambda call: (200, {}), port=0, context=None):
        self.answer, self.calls = answer, []
        backend = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                call = Call(self.command, self.path, dict(self.headers), body)
                backend.calls.append(call)
                answer = backend.answer(call)
                if callable(answer):
                    self.close_connection = True
                    return answer(self.connection)
                status, body, headers = (*answer, {}) if len(answer) == 2 else answer
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in ({"Content-Type": "application/json"} | headers).items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if status != 204:
                    self.wfile.write(data)

            def log_message(self, *arguments):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            request_queue_size = 256

            def handle_error(self, request, address):
                pass  # the test closes sockets on purpose

        self.server = Quiet(("127.0.0.1", port), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_secret(path, text="a-secret-of-the-tests"):
    path.write_text(text + "\n")
    path.chmod(0o600)
    return text
