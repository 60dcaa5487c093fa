"""How the demo's web server runs; gunicorn reads this file.

Sync workers, because SQLite has one writer at a time and waiting threads only make its slow
requests slower.
"""

import os
import socket

from gunicorn.arbiter import Arbiter

wsgi_app = "demo_site.wsgi:application"
_host = os.environ.get("HOST") or "127.0.0.1"
bind = f"{f'[{_host}]' if ':' in _host else _host}:{os.environ.get('PORT') or 8000}"
workers = 2
timeout = 30
graceful_timeout = 5
loglevel = "warning"
proc_name = "clicktocall-demo"
control_socket_disable = True

# Browsers open connections in advance and say nothing on them, and each would hold a sync worker
# until `timeout`. Linux can keep a connection back until its first byte arrives; elsewhere
# threaded workers wait for that byte without being held.
_DEFER_ACCEPT = getattr(socket, "TCP_DEFER_ACCEPT", None)
_SILENCE = 60  # seconds

worker_class = "sync" if _DEFER_ACCEPT else "gthread"
threads = 1 if _DEFER_ACCEPT else 2


def when_ready(server: Arbiter) -> None:
    if _DEFER_ACCEPT:
        for listener in server.LISTENERS:
            listener.sock.setsockopt(socket.IPPROTO_TCP, _DEFER_ACCEPT, _SILENCE)
