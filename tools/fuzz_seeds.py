"""Where the fuzzer begins: the transcripts of Tests/Vectors, examples of the RFCs, and what few mutations would find."""
import json
import pathlib
import zlib

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "Tests" / "Vectors"
# Flags, and no cuts.
WHOLE = b"\x00\x00"


def seeds(target):
    """Inputs in the form that the target reads; Fuzzing/Sources has each beside its code."""
    return {
        "close": close, "deflate": deflate, "envelope": envelopes, "extensions": extensions, "frames": frames,
        "hello": hellos, "http": http, "inflate": inflate, "json": payloads, "messages": messages, "nio": frames,
        "operations": operations, "schema": schemas, "utf8": utf8,
    }[target]()


def transcript():
    """Every message that a client sends in a transcript, as bytes."""
    for path in sorted(VECTORS.glob("*.json")):
        for step in json.loads(path.read_text())["steps"]:
            if "send" in step:
                yield step["text"].encode() if "text" in step else json.dumps(step["message"], separators=(",", ":")).encode()


def envelopes():
    yield from transcript()
    yield (b'{"v":2,"seq":17,"ack":42,"type":"event","event":"chat.send","ev":2,"id":"c-1","re":"r-1","room":"lobby",'
           b'"from":"s_AAAAAAAAAAAAAAAAAAAAAA","key":"k","pos":["02b7e1f09c44d8aa",88],"delivery":"transient",'
           b'"history":true,"payload":{"a":[1,null,"\\u00e9\\ud83d\\ude00"]},"crit":[]}')
    yield b'{"v":2,"type":"event","event":"a","payload":1,"crit":["x"]}'


def payloads():
    yield from transcript()
    # RFC 8259 section 13, and what it says of numbers and strings.
    yield b'{"Image":{"Width":800,"Title":"View from 15th Floor","Animated":false,"IDs":[116,943,-234,38793]}}'
    yield b'[0,-0,1.5,1e5,-1.25E-3,123456789012345678901234567890,1e400,true,false,null]'
    yield b'["\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\ud83d\\ude00","\xc3\xa9\xf0\x9f\x98\x80",""]'
    yield b"[" * 64 + b"]" * 64
    yield b' {"a" : {} , "b" : [ ] }\r\n\t'


def hellos():
    for flags in range(4):
        yield bytes([flags]) + (b'{"versions":[2],"auth":{"scheme":"none","credential":"ann"},"resume":{"sid":"$SID","token":'
                                b'"$TOKEN","epoch":"$EPOCH","ack":1}}')
        yield bytes([flags]) + (b'{"versions":[1,2],"auth":{"scheme":"none","credential":"ann"},"resume":{"sid":"$SID",'
                                b'"token":"$OLD","epoch":"$EPOCH","ack":0,"first_unacked":2,"pos":{"r":["02b7e1f09c44d8aa",88]}}}')
        yield bytes([flags]) + (b'{"versions":[1],"instance":"web-7","window":{"messages":256,"bytes":1048576},"ttl_ms":60000,'
                                b'"events":{"chat.send":2},"resume":{"sid":"$SID","token":"$TOKEN"}}')


def frame(payload, opcode=1, fin=True, rsv1=False, masked=True, length_bytes=None):
    length = len(payload)
    length_bytes = length_bytes if length_bytes is not None else 0 if length < 126 else 2 if length < 65536 else 8
    mask = 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | (0x40 if rsv1 else 0) | opcode])
    head += bytes([mask | (length if length_bytes == 0 else 126 if length_bytes == 2 else 127)])
    head += length.to_bytes(length_bytes, "big") if length_bytes else b""
    key = b"\x37\xfa\x21\x3d"
    return head + (key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload)) if masked else payload)


def frames():
    # RFC 6455 section 5.7, from both sides.
    for flags, masked in ((0, True), (1, False)):
        make = lambda *arguments, **options: frame(*arguments, masked=masked, **options)
        yield bytes([flags, 0]) + make(b"Hello")
        yield bytes([flags, 0]) + make(b"Hel", fin=False) + make(b"lo", opcode=0)
        yield bytes([flags, 2, 1, 3]) + make(b"Hello", opcode=9) + make(b"Hello", opcode=10)
        yield bytes([flags, 0]) + make(b"x" * 256, opcode=2)
        yield bytes([flags, 1, 7]) + make(b"\xc3", fin=False) + make(b"ping", opcode=9) + make(b"\xa9", opcode=0)
        yield bytes([flags, 0]) + make(b"\x03\xe8bye", opcode=8)
        yield bytes([flags | 4, 0]) + make(bytes.fromhex("f248cdc9c90700"), rsv1=True)
        yield bytes([flags | 2, 1, 1]) + (make(b"", fin=False) + make(b"", fin=False, opcode=0)) * 2
        yield bytes([flags, 0]) + make(b"short", length_bytes=2) + make(b"long", length_bytes=8)


def messages():
    yield WHOLE + bytes([0, 2, 5]) + b"Hello" + bytes([3, 1, 4]) + b"\x00\xff\x80\x01"
    yield bytes([1, 1, 1]) + bytes([2, 1, 6]) + "é€x".encode()
    yield WHOLE + bytes([0, 63, 3]) + b"\xed\xa0\x80"


def close():
    for payload in (b"", b"\x03", b"\x03\xe8", b"\x03\xe8done", b"\x03\xedx", b"\x0f\xa0\xc3\xa9", b"\x03\xe8\xc3", b"\x13\x87" + b"x" * 123):
        yield b"\x00" + payload


def utf8():
    for text in ("κόσμε", "😀", "\u07ff\u0800\uffff\U00010000\U0010ffff", "a" * 20 + "é"):
        yield b"\x02\x01\x03" + text.encode()
    for bad in (b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf0\x80\x80\x80", b"\xe2\x82"):
        yield b"\x00" + bad


REQUEST = (b"GET /ws?a=b HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\n"
           b"Sec-WebSocket-Protocol: wscore.v2.json, chat\r\nSec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n")
RESPONSE = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n")


def http():
    yield WHOLE + REQUEST
    yield b"\x00\x02\x01\x05" + REQUEST + frame(b"Hello")
    yield WHOLE + b"POST /sse HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
    yield WHOLE + (b"POST http://a:80/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nbody\r\n0\r\n"
                   b"T: v\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    yield WHOLE + b"\r\nOPTIONS * HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"
    yield b"\x01\x00" + RESPONSE
    yield b"\x01\x01\x02" + b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
    yield b"\x03\x00" + b"HTTP/1.1 426 \r\nUpgrade: websocket\r\nRetry-After: 9\r\n\r\nall"


def compressed(payload, bits=15):
    packer = zlib.compressobj(6, zlib.DEFLATED, -bits)
    return (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


def inflate():
    # RFC 7692 section 7.2.3: one block, a shared window, a stored block, a final block, two blocks.
    examples = ["f248cdc9c90700", "f200110000", "000500faff48656c6c6f00", "f348cdc9c9070000", "f248050000 00ffffcac9c90700", "00"]
    for text in examples:
        data = bytes.fromhex(text.replace(" ", ""))
        for flags in (0, 3, 0xE0):
            yield bytes([flags, 0, len(data) // 4]) + data
    for payload in (b"a" * 20_000, b"a" * 20_001, bytes(range(256)) * 4):
        data = compressed(payload)
        yield bytes([3, 0, min(255, len(data) // 4)]) + data


def deflate():
    for flags in (0, 3, 0x1C, 0xFF):
        for kind in (0, 1, 0x8F, 0x42):
            yield bytes([flags, kind]) + bytes([9, 5]) + b"Hello" + bytes([0, 0]) + bytes([255, 200]) + bytes(range(200))


def extensions():
    # RFC 7692 section 7.1 and RFC 6455 section 9.1.
    for text in (
            "permessage-deflate", "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=10, permessage-deflate",
            'permessage-deflate; client_no_context_takeover; server_no_context_takeover; client_max_window_bits="9"',
            "foo, bar; baz=2", ' a ; b = "\\x\\"" , , c', "permessage-deflate; unknown; client_max_window_bits=16"):
        yield b"\x00" + text.encode()
        yield b"\x0f" + text.encode()


def operations():
    connect, drop, join, leave, publish, ack, bye = 0, 2, 3, 5, 6, 9, 10
    advance, kick, again, block, other = 11, 12, 13, 14, 15
    everyone = [connect, 0, connect, 1, connect, 2, connect, 3]
    joins = [join, 0, join, 1, join, 2, join, 3]
    for flags in (0, 1, 2, 8, 9, 12):
        yield bytes([flags] + everyone + joins + [publish, 0, drop, 1, publish, 0, connect, 1, ack, 1, again, 0, leave, 2, publish, 3])
        yield bytes([flags] + everyone + joins + [block, 1] + [publish, 0] * 9 + [block, 1, connect, 1, other, 1, other, 0x81])
        yield bytes([flags] + everyone + joins + [drop, 1, advance, 149, kick, 0, drop, 2, advance, 150, connect, 2, bye, 3])


def schemas():
    yield b'{"type":"object","required":["text"],"properties":{"text":{"type":"string","maxLength":200}}}\n\n{"text":"hi"}'
    yield (b'{"$defs":{"a":{"type":"array","items":{"$ref":"#/$defs/a"}}},"$ref":"#/$defs/a"}\n\n[[],[[1]]]')
    yield (b'{"allOf":[{"minimum":1.5},{"multipleOf":0.1}],"not":{"const":3},"enum":[2.5,"a",null]}\n\n2.50')
    yield (b'{"prefixItems":[{"type":"integer"}],"items":{"pattern":"^a[b-d]*$"},"uniqueItems":true,"contains":{"const":1},'
           b'"minContains":1,"maxContains":2,"minItems":1,"maxItems":9}\n\n[1,"abc",1.0]')
    yield (b'{"if":{"required":["a"]},"then":{"minProperties":2},"else":false,"patternProperties":{"^x_":true},'
           b'"additionalProperties":{"oneOf":[true,{"type":["string","null"]}]},"propertyNames":{"maxLength":3},'
           b'"dependentRequired":{"a":["b"]}}\n\n{"a":1,"x_b":"~/"}')
