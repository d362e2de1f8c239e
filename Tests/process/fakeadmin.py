"""An admin server that answers what a test tells it to: for the errors that a real one does not make."""
import socket
import threading


MARK = "Wscore-Admin: 1\r\n"


def json_head(body, status="200 OK", kind="application/json"):
    return (f"HTTP/1.1 {status}\r\n{MARK}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n").encode()


def answer(body, status="200 OK"):
    """A whole response with this body."""
    body = body.encode() if isinstance(body, str) else body
    return json_head(body, status) + body


def chunked(*parts):
    head = f"HTTP/1.1 200 OK\r\n{MARK}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part)
    return head + chunks + b"0\r\n\r\n"


def until_close(body):
    return f"HTTP/1.1 200 OK\r\n{MARK}Connection: close\r\n\r\n".encode() + body


class FakeAdmin:
    """Listens on a Unix socket. `respond(connection, request line)` writes the answer; the connection is then closed."""

    def __init__(self, path, respond):
        self.path, self.respond, self.requests = str(path), respond, []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                part = connection.recv(4096)
                if not part:
                    return
                head += part
            self.requests.append(head.decode())
            try:
                self.respond(connection, head.split(b"\r\n")[0].decode())
            except OSError:
                pass

    def close(self):
        self.listener.close()
