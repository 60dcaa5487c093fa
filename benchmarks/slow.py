"""A provider that takes its time: every order is accepted after so many seconds, nothing rings.

`python -m benchmarks.slow PORT SECONDS`. It speaks as much of the sandbox's and of Infobip's
protocol as an order needs.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
_PENDING = {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}


def main() -> None:
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    asyncio.run(_serve(port, seconds))


async def _serve(port: int, seconds: float) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await _read(reader):
            path, body = request
            await asyncio.sleep(seconds)
            document = json.dumps(_accepted(path, json.loads(body))).encode()
            writer.write(_HEAD.format(length=len(document)).encode() + document)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=500)
    async with server:
        await server.serve_forever()


async def _read(reader: asyncio.StreamReader) -> tuple[str, bytes] | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    length = next(
        int(line.partition(":")[2])
        for line in head.splitlines()
        if line.lower().startswith("content-length:")
    )
    return head.split(" ")[1], await reader.readexactly(length)


def _accepted(path: str, order: dict[str, Any]) -> dict[str, Any]:
    if path.startswith("/voice/"):
        return {
            "messages": [
                {"to": each["destinationA"], "messageId": each["messageId"], "status": _PENDING}
                for each in order["messages"]
            ]
        }
    return {"id": f"theirs-{order['reference']}", "status": "accepted"}


if __name__ == "__main__":
    main()
