"""permessage-deflate (RFC 7692) on sessions: by zlib and bare sockets, and by the library `websockets`."""
import json
import struct
import zlib

import pytest
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.sync.client import connect

from wsraw import BINARY, HELLO, Raw, frame, request

TAIL = b"\x00\x00\xff\xff"
LONG = "a line that comes again and again; " * 60


def deflate(data, bits=15):
    machine = zlib.compressobj(9, zlib.DEFLATED, -bits)
    return (machine.compress(data) + machine.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


class Peer(Raw):
    """A client that offers `offer`, and reads and writes frames itself."""

    def __init__(self, url, offer, keeps=False, bits=15):
        super().__init__(url)
        self.send(request(url, sec_websocket_extensions=offer))
        status, fields = self.response()
        assert status == 101
        self.answer, self.keeps, self.bits = fields.get("sec-websocket-extensions"), keeps, bits
        self.inflater = zlib.decompressobj(-bits)

    def message(self):
        """(was it compressed, the message)."""
        first, second = self._take(2)
        length = second & 0x7F
        if length > 125:
            length = struct.unpack(">H", self._take(2))[0] if length == 126 else struct.unpack(">Q", self._take(8))[0]
        payload = self._take(length)
        if first == 0x88:
            return "closed", struct.unpack(">H", payload[:2])[0]
        assert first in (0x81, 0xC1), first
        if first == 0xC1:
            if not self.keeps:
                self.inflater = zlib.decompressobj(-self.bits)
            payload = self.inflater.decompress(payload + TAIL)
        return first == 0xC1, json.loads(payload)

    def receive(self, type):
        while True:
            compressed, message = self.message()
            if compressed == "closed":
                return compressed, message
            if message["type"] == type:
                return compressed, message

    def say(self, message, compressed=False):
        data = json.dumps(message).encode()
        self.send(frame(deflate(data), rsv=4) if compressed else frame(data))

    def join(self, room, **how):
        self.say(HELLO, **how)
        welcome = self.receive("welcome")
        self.say({"v": 2, "seq": 1, "type": "join", "room": room}, **how)
        self.receive("reply")
        return welcome


def publish(peer, seq, payload, **how):
    peer.say({"v": 2, "seq": seq, "type": "event", "event": "chat", "room": "r", "payload": payload}, **how)


def test_each_message_by_itself(start_server):
    server = start_server()
    peers = [Peer(server.url, "permessage-deflate; client_max_window_bits") for _ in range(3)]
    plain = Peer(server.url, "x-webkit-deflate-frame")
    assert plain.answer is None
    for peer in peers:
        assert peer.answer == "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        compressed, _ = peer.join("r", compressed=True)
        assert not compressed, "welcome holds a secret"
    assert plain.join("r")[0] is False
    for seq, payload in enumerate([LONG, {"text": LONG, "n": 7}, "short", LONG], 2):
        publish(peers[0], seq, payload, compressed=True)
        told = [peer.receive("event") for peer in [*peers, plain]]
        assert all(message["payload"] == payload for _, message in told)
        assert [compressed for compressed, _ in told] == [payload != "short"] * 3 + [False]


@pytest.mark.parametrize("bits", [8, 9, 12])
def test_a_smaller_window(start_server, bits):
    server = start_server()
    peer = Peer(server.url, f"permessage-deflate; server_max_window_bits={bits}", bits=bits)
    assert f"server_max_window_bits={bits}" in peer.answer
    peer.join("r")
    # The same bytes again at distances that only a larger window could reach.
    payload = "".join(f"{number * 7919 % 10_007:05d}" for number in range(900)) * 2
    publish(peer, 2, payload)
    compressed, message = peer.receive("event")
    assert compressed and message["payload"] == payload


def test_with_context(start_server):
    server = start_server("--compression", "context", "--compression-threshold", "0B")
    peer = Peer(server.url, "permessage-deflate", keeps=True)
    assert peer.answer == "permessage-deflate"
    peer.join("r")
    for seq in range(2, 12):
        publish(peer, seq, LONG)
        compressed, message = peer.receive("event")
        assert compressed and message["payload"] == LONG


def test_off(start_server):
    server = start_server("--compression", "off")
    peer = Peer(server.url, "permessage-deflate")
    assert peer.answer is None
    peer.join("r")
    peer.send(frame(deflate(b"{}"), rsv=4))
    assert peer.receive("event") == ("closed", 1002)


@pytest.mark.parametrize("data, code", [
    (deflate(b'{"v":2,"type":"ack","payload":"' + b" " * 2_000_000 + b'"}'), 1009),
    (deflate(b" " * 200_000_000), 1009), (b"\xff" * 40, 1007), (deflate(b"\xff\xfe"), 1007), (b"", 1007),
], ids=["too big", "bomb", "corrupt", "no UTF-8", "nothing at all"])
def test_what_is_sent_compressed_is_bounded(start_server, data, code):
    server = start_server()
    by = Peer(server.url, "permessage-deflate")
    by.join("r")
    peer = Peer(server.url, "permessage-deflate")
    peer.join("r")
    peer.send(frame(data, rsv=4))
    closed, with_code = peer.receive("event")
    # Nothing at all inflates to nothing, which is no envelope.
    assert closed == "closed" and with_code == (4500 if data == b"" else code)
    publish(by, 2, "still here")
    assert by.receive("event")[1]["payload"] == "still here"


@pytest.mark.parametrize("value", ["permessage-deflate; =", ";", "permessage-deflate; a=\"", "a b"])
def test_a_malformed_offer_is_refused(start_server, value):
    peer = Raw(start_server().url)
    peer.send(request(peer.url, sec_websocket_extensions=value))
    assert peer.response()[0] == 400


def test_the_library_websockets(start_server):
    server = start_server()
    with connect(server.url, subprotocols=["wscore.v2.json"], compression="deflate") as ann:
        assert ann.protocol.extensions
        ann.send(json.dumps(HELLO))
        assert json.loads(ann.recv())["type"] == "welcome"
        ann.send(json.dumps({"v": 2, "seq": 1, "type": "event", "event": "echo", "id": "e", "payload": LONG}))
        while (message := json.loads(ann.recv()))["type"] != "reply":
            pass
        assert message["payload"] == LONG


@pytest.mark.parametrize("server_bits", [9, 15])
@pytest.mark.parametrize("client_bits", [True, 15, 12, None])
def test_the_windows_that_the_library_asks_for(server, server_bits, client_bits):
    """It fails the connection if the answer leaves out a window of the server that it asked for."""
    wish = ClientPerMessageDeflateFactory(server_max_window_bits=server_bits, client_max_window_bits=client_bits)
    with connect(server.url, extensions=[wish], compression=None) as ann:
        assert ann.protocol.extensions
        ann.send(json.dumps(HELLO))
        assert json.loads(ann.recv())["type"] == "welcome"


def test_a_wrong_setting_is_told(start_server):
    with pytest.raises(RuntimeError, match="did you mean|is not one of"):
        start_server("--compression", "on")


def test_binary_is_refused_compressed_too(start_server):
    peer = Peer(start_server().url, "permessage-deflate")
    peer.join("r")
    peer.send(frame(deflate(b"{}"), BINARY, rsv=4))
    assert peer.receive("event") == ("closed", 4500)
