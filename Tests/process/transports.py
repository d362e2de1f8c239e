"""Which transport a URL means: ws://…/ws is WebSocket, http://…/sse is Server-Sent Events with POST; wss and https the
same over TLS, with `ssl` for a context of Python's; unix:PATH is WebSocket over a Unix socket."""
from ssewire import EventWire
from wswire import Wire


def open_wire(url, subprotocol=None, **options):
    return (EventWire if url.startswith("http") else Wire)(url, subprotocol, **options)


def sse_url(url):
    """The event streams of the server whose WebSocket endpoint this is."""
    return url.replace("ws", "http", 1).removesuffix("/ws") + "/sse"
