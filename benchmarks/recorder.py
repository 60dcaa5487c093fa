"""In place of the sandbox: notes when each order arrives, and accepts it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Recorder:
    """`arrivals` maps our call id to the moment (perf_counter) its order came in."""

    def __init__(self) -> None:
        self.arrivals: dict[str, float] = {}


@contextmanager
def recording(port: int) -> Iterator[Recorder]:
    recorder = Recorder()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            arrived = time.perf_counter()
            order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            recorder.arrivals.setdefault(order["call_id"], arrived)
            body = json.dumps({"id": order["reference"], "status": "accepted"}).encode()
            self.send_response(202)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()
