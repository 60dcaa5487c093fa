"""The telephone companies the demo can run on, each one's side simulated on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from demo_site.state import Secrets

# No simulator may listen on it: a provider that does not run is surely not reached.
_NOBODY = 1


class UnknownProvider(ValueError):
    """`PROVIDER` names none of ours; the message lists those there are."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number that nobody has, and what happens to a call to it.

    `is_fault` tells that it is the provider who fails, and not somebody at a telephone.
    """

    story: str
    contact: str
    summary: str
    is_fault: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoProvider:
    """A provider with a simulator.

    Attributes:
        name: its alias in the settings, its simulator's name, and what `PROVIDER` says.
        label: what people call it.
        backend: its adapter.
        workshop: the number of the workshop's telephone; it must choose no story.
        truth: what its reports never tell, for the shop's page; "" where they tell all.
        numbers: those that choose a story.
    """

    name: str
    label: str
    backend: str
    workshop: str
    truth: str = ""
    numbers: Callable[[], list[Number]] = field(repr=False)

    def row_name(self, name: str) -> str:
        """What the id of a row is made from: every provider has rows of its own."""
        return name if self is SANDBOX else f"{self.name}/{name}"

    def alias(self, secrets: Secrets, port: int | None) -> dict[str, Any]:
        """Its entry in `CLICKTOCALL["PROVIDERS"]`; `port` is None while it does not run."""
        return {
            "BACKEND": self.backend,
            "OPTIONS": {
                "BASE_URL": f"http://127.0.0.1:{port or _NOBODY}",
                "API_KEY": secrets.api_key(self.name),
                "CALLBACK_SECRETS": [secrets.callback(self.name)],
            },
        }


def demo_provider(name: str) -> DemoProvider:
    """The provider that `PROVIDER` names.

    Raises:
        UnknownProvider: there is none of that name.
    """
    found = DEMO_PROVIDERS.get(name)
    if found is None:
        raise UnknownProvider(f"PROVIDER must be {' or '.join(DEMO_PROVIDERS)}, not {name!r}.")
    return found


def _sandbox_numbers() -> list[Number]:
    from clicktocall.providers.sandbox.stories import STORIES, contact_for

    return [Number(name, contact_for(name), str(story.summary)) for name, story in STORIES.items()]


def _infobip_numbers() -> list[Number]:
    from clicktocall.providers.infobip.simulation.stories import STORIES, number_for

    return [
        Number(
            name,
            f"+{number_for(name)}",
            story.summary,
            is_fault=name != "refused" and bool(story.fault or story.rejected or story.outages),
        )
        for name, story in STORIES.items()
    ]


SANDBOX = DemoProvider(
    name="sandbox",
    label="Sandbox",
    backend="clicktocall.providers.sandbox.SandboxProvider",
    workshop="+442079460150",
    numbers=_sandbox_numbers,
)
INFOBIP = DemoProvider(
    name="infobip",
    label="Infobip",
    backend="clicktocall.providers.infobip.InfobipProvider",
    workshop="+442079460250",
    truth=(
        "Infobip reports once, when a call is over, and never tells of the second phone; "
        "it cannot be asked to hang up."
    ),
    numbers=_infobip_numbers,
)
DEMO_PROVIDERS = {provider.name: provider for provider in (SANDBOX, INFOBIP)}
