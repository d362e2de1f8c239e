"""Builds what is not Swift: the load generator, the counter of allocations, and the peers that are at hand."""
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parents[1]
ROOT = HERE.parent
OUT = ROOT / ".build-bench" / "native"
GO_PATH = "/usr/share/gocode"
NODE_PATH = "/usr/share/nodejs"


class Absent(Exception):
    """A peer that is not at hand, with the reason."""


def run(*command, **options):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if result.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{result.stderr[-4000:]}")
    return result.stdout.strip()


def is_newer(target, sources):
    return target.exists() and all(target.stat().st_mtime >= source.stat().st_mtime for source in sources)


def loader():
    """The path of the load generator."""
    target, sources = OUT / "wsload", sorted((HERE / "Loader").glob("*.[ch]"))
    if not is_newer(target, sources):
        OUT.mkdir(parents=True, exist_ok=True)
        run("cc", "-std=gnu11", "-O3", "-march=native", "-Wall", "-Wextra", "-Werror", "-o", target,
            *(s for s in sources if s.suffix == ".c"))
    return target


def allocation_counter():
    """The library that is preloaded to count allocations."""
    folder = HERE / "Sources" / "CAllocations"
    target, source = OUT / "liballocations.so", folder / "Allocations.c"
    if not is_newer(target, [source]):
        OUT.mkdir(parents=True, exist_ok=True)
        run("cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-I{folder / 'include'}", "-o", target, source)
    return target


# ---------------------------------------------------------------------------------------------------------------- peers
def uwebsockets():
    """The peer's program and its version."""
    source = os.environ.get("UWS_SOURCE")
    if not source:
        raise Absent("UWS_SOURCE does not name a checkout of uWebSockets with its submodule uSockets")
    base, program = pathlib.Path(source), HERE / "Peers" / "uws_server.cpp"
    if not (base / "src" / "App.h").exists() or not (base / "uSockets" / "src" / "libusockets.h").exists():
        raise Absent(f"{base} has no src/App.h or no uSockets/src/libusockets.h")
    target, flags = OUT / "uws_server", ["-O3", "-march=native", "-DLIBUS_NO_SSL", f"-I{base / 'uSockets' / 'src'}"]
    if not is_newer(target, [program]):
        objects = OUT / "uSockets"
        objects.mkdir(parents=True, exist_ok=True)
        sources = [*(base / "uSockets" / "src").glob("*.c"), *(base / "uSockets" / "src" / "eventing").glob("*.c")]
        for file in sources:
            run("cc", *flags, "-c", file, "-o", objects / f"{file.stem}.o")
        run("g++", "-std=c++20", *flags, "-DUWS_NO_ZLIB", f"-I{base / 'src'}", program, *objects.glob("*.o"), "-o", target)
    return [str(target)], f"uWebSockets {describe(base)}, g++ -O3 -march=native, no TLS, no zlib"


def describe(base):
    # Not the repository of ours that a plain folder may lie in.
    if not (base / ".git").exists():
        return "(no version control)"
    try:
        return run("git", "-C", base, "describe", "--tags", "--always")
    except RuntimeError:
        return "(unknown version)"


def gorilla():
    if not shutil.which("go"):
        raise Absent("no go: apt install golang-go")
    if not pathlib.Path(GO_PATH, "src/github.com/gorilla/websocket").exists():
        raise Absent("no gorilla/websocket: apt install golang-github-gorilla-websocket-dev")
    source, target = HERE / "Peers" / "gorilla", OUT / "gorilla_server"
    if not is_newer(target, [source / "main.go"]):
        OUT.mkdir(parents=True, exist_ok=True)
        run("go", "build", "-o", target, ".", cwd=source, env=dict(os.environ, GO111MODULE="off", GOPATH=GO_PATH))
    return [str(target)], f"gorilla/websocket {package('golang-github-gorilla-websocket-dev')}, {run('go', 'version').split()[2]}, GOMAXPROCS=1"


def node_module(name, package_name):
    if not shutil.which("node"):
        raise Absent("no node: apt install nodejs")
    if run("node", "-e", f"try {{ require('{name}'); console.log('there') }} catch {{}}", env=node_environment()) != "there":
        raise Absent(f"node has no module {name}" + (f": apt install {package_name}" if package_name else " and Debian no package of it"))
    return run("node", "-p", f"require('{name}/package.json').version", env=node_environment())


def node_environment():
    paths = [os.environ.get("NODE_PATH", ""), NODE_PATH]
    return dict(os.environ, NODE_PATH=os.pathsep.join(p for p in paths if p))


def node_ws():
    version = node_module("ws", "node-ws")
    return ["node", str(HERE / "Peers" / "ws_server.js")], f"ws {version}, node {run('node', '--version')}, no deflate"


def socket_io():
    version = node_module("socket.io", "node-socket.io" if package_exists("node-socket.io") else None)
    return ["node", str(HERE / "Peers" / "socketio_server.js")], f"socket.io {version}, node {run('node', '--version')}, WebSocket only"


def package(name):
    return run("dpkg-query", "-W", "-f=${Version}", name)


def package_exists(name):
    try:
        return bool(run("apt-cache", "madison", name))  # nothing for a name that others only mention
    except (RuntimeError, OSError):
        return False
