"""Looking names up, and judging every address that stands behind one."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable
from ipaddress import ip_address

from clicktocall.outbound.address import Destination
from clicktocall.outbound.deadline import Deadline
from clicktocall.outbound.errors import AddressRefused, Unreachable
from clicktocall.outbound.hosts import private
from clicktocall.outbound.networks import Address, is_public

LookUp = Callable[[str, int], list[str]]

# The system's resolver cannot be told to hurry, so each question has a thread that may be left
# behind. A stranger's name server that never answers holds one for as long as the system asks.
_MOST_QUESTIONS = 64
_questions = threading.BoundedSemaphore(_MOST_QUESTIONS)


def look_up(name: str, port: int) -> list[str]:
    """The addresses of a name, by the system's resolver. The one place where it is asked.

    Raises:
        OSError: there is no such name, or nobody to ask.
    """
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def addresses_of(destination: Destination, deadline: Deadline, ask: LookUp) -> list[Address]:
    """The addresses a request may go to; the name is looked up once, for all that follows.

    Raises:
        AddressRefused: one of them is private, and the operator does not allow this host.
        Unreachable: there is no such name, or the answer took too long.
    """
    host = destination.host
    if host.address is not None:
        return [host.address]  # judged when the address was read
    try:
        found = _asked(lambda: ask(host.name, destination.port), deadline)
    except TimeoutError as error:
        raise Unreachable(
            f"{host.text} cannot be reached: nobody resolves its name in time."
        ) from error
    except (OSError, ValueError) as error:  # a ValueError: what it answers is no address
        raise Unreachable(f"{host.text} cannot be reached: its name cannot be resolved.") from error
    if not found:
        raise Unreachable(f"{host.text} cannot be reached: its name leads to no address.")
    if not destination.privately and not all(map(is_public, found)):
        raise AddressRefused(private(host))
    return found


def _asked(question: Callable[[], list[str]], deadline: Deadline) -> list[Address]:
    answer: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer.put(question())
        except Exception as error:  # noqa: BLE001 (raised by whoever waits)
            answer.put(error)
        finally:
            _questions.release()

    if not _questions.acquire(timeout=deadline.left()):
        raise TimeoutError("too many names are being looked up")
    threading.Thread(target=ask, name="clicktocall-look-up", daemon=True).start()
    try:
        told = answer.get(timeout=deadline.left())
    except queue.Empty:
        raise TimeoutError("the name is still being looked up") from None
    if isinstance(told, Exception):
        raise told
    return [ip_address(text) for text in told]
