"""What a host project installs: the package with its templates and assets, and the README's words.

The last part does what the README tells a newcomer to do, in an environment that knows nothing of
the checkout: its commands and its code are taken out of the README's text.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from textwrap import dedent
from typing import Any
from zipfile import ZipFile

import pytest
import requests
from packaging.requirements import Requirement

from demo_site.ports import any_free_port
from tests.product_process import CHECKOUT, clean_environ

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]

_README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
_HOW_TO_INSTALL = _README.split("## Into your own Django project")[1].split("\n## ")[0]
_START_LIMIT = 30.0  # seconds
_CALL_LIMIT = 30.0  # seconds; twenty times faster than life a call takes about one
_STOP_LIMIT = 10.0  # seconds

# A host that knows nothing of the checkout: only what is installed can be found.
_HOST = """
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="x",
    USE_TZ=True,
    STATIC_URL="/static/",
    ROOT_URLCONF="clicktocall.urls",
    INSTALLED_APPS=[
        "clicktocall", "django.contrib.admin", "django.contrib.auth",
        "django.contrib.contenttypes", "django.contrib.messages", "django.contrib.sessions",
        "django.contrib.staticfiles",
    ],
    TEMPLATES=[
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True},
    ],
)
django.setup()
import sys
import clicktocall
from django.contrib.staticfiles.finders import find
from django.template.loader import get_template
assert clicktocall.__file__.startswith(sys.argv[1]), clicktocall.__file__
for name in sys.argv[2].split(","):
    assert find(name), name
for name in sys.argv[3].split(","):
    get_template(name)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel as built from the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    for target in ("sdist", "wheel"):
        source = CHECKOUT
        if target == "wheel":
            archive = next(folder.glob("*.tar.gz"))
            subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
            source = Path(str(archive).removesuffix(".tar.gz"))
        build(source, target, folder)
    return next(folder.glob("*.whl"))


def build(source: Path, target: str, folder: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", target, "-d", folder],
        cwd=source,
        check=True,
        capture_output=True,
    )


def contents(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def metadata(wheel) -> Message:
    files = contents(wheel)
    name = next(name for name in files if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(files[name].decode())


def names_below(folder: str, suffixes: tuple[str, ...]) -> list[str]:
    root = CHECKOUT / folder
    return sorted(
        path.relative_to(root).as_posix() for path in root.rglob("*") if path.suffix in suffixes
    )


def test_a_host_finds_every_asset_and_template(wheel, tmp_path):
    target = tmp_path / "site"
    with ZipFile(wheel) as archive:
        archive.extractall(target)
    assets = names_below("widget_static", (".js", ".css", ".svg"))
    templates = names_below("templates", (".html",))
    assert "clicktocall/widget.js" in assets
    assert templates
    subprocess.run(
        [sys.executable, "-c", _HOST, str(target), ",".join(assets), ",".join(templates)],
        cwd=tmp_path,
        env=clean_environ() | {"PYTHONPATH": str(target)},
        check=True,
    )


def test_nothing_else_is_in_it(wheel):
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"clicktocall"}
    assert not [name for name in names if "__pycache__" in name]
    assert "clicktocall/py.typed" in names


def test_it_asks_only_for_what_the_app_imports(metadata):
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Requires-Python"] == ">=3.11"
    hard = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert sorted(Requirement(line).name.lower() for line in hard) == [
        "babel",
        "certifi",
        "defusedxml",
        "django",
        "django-filter",
        "django-phonenumber-field",
        "djangorestframework",
        "drf-spectacular",
        "google-re2",
        "idna",
        "phonenumbers",
        "pyyaml",
        "requests",
    ]


def test_its_requirements_and_extras_are_those_of_the_project(metadata):
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {Requirement(line) for line in project["dependencies"]}
    for extra, lines in project["optional-dependencies"].items():
        declared |= {Requirement(f"{line}; extra == '{extra}'") for line in lines}
    assert {Requirement(line) for line in metadata.get_all("Requires-Dist")} == declared
    assert set(metadata.get_all("Provides-Extra")) == set(project["optional-dependencies"])


def test_the_source_distribution_makes_the_same_wheel(wheel, tmp_path):
    build(CHECKOUT, "wheel", tmp_path)
    assert contents(tmp_path / wheel.name) == contents(wheel)


# --- As the README says ---------------------------------------------------------------------


def code(language: str, with_: str) -> str:
    """The one block of code of the README's section that contains this."""
    blocks = re.findall(
        rf"^ *```{language}\n(.*?)^ *```", _HOW_TO_INSTALL, re.DOTALL | re.MULTILINE
    )
    (found,) = (dedent(block) for block in blocks if with_ in block)
    return found


def command(words: str) -> list[str]:
    """The arguments of a `manage.py` command that the README names."""
    assert f"`manage.py {words}`" in _HOW_TO_INSTALL, f"The README no longer says {words!r}."
    return words.split()


@pytest.fixture(scope="module")
def environ(wheel, tmp_path_factory) -> dict[str, str]:
    """The environment of a shell where the wheel, and nothing else of ours, is installed."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    ours = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    clean = {name: value for name, value in clean_environ().items() if name not in ours}
    active = clean | {"VIRTUAL_ENV": str(folder), "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    install = code("sh", "pip install").replace("/path/to/django-clicktocall", str(wheel))
    assert str(wheel) in install
    installed = shell(install, folder, active)
    if installed.returncode:
        # Without a package index nothing can be said; where everything must hold, that is a no.
        say = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        say(f"pip cannot install the wheel here: {installed.stderr.strip()[-500:]}")
    set_secrets = code("sh", "SANDBOX_API_KEY")
    told = shell(
        f"{set_secrets}\npython -c 'import json, os; print(json.dumps(dict(os.environ)))'",
        folder,
        active,
    )
    assert told.returncode == 0, told.stderr
    exported: dict[str, str] = json.loads(told.stdout)
    assert len({exported["SANDBOX_API_KEY"], exported["CALLBACK_SECRET"]} - {""}) == 2
    return exported


def shell(commands: str, folder: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-ec", commands],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=80,
        check=False,
    )


@dataclass(frozen=True, slots=True)
class Host:
    """Somebody's Django project, in a folder of its own."""

    folder: Path
    environ: dict[str, str]
    port: int
    sandbox_port: int

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def here(self, text: str) -> str:
        """What the README says, with the ports that are free on this machine."""
        assert "127.0.0.1:8000" in text
        return text.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}").replace(
            "127.0.0.1:8001", f"127.0.0.1:{self.sandbox_port}"
        )

    def run(self, *arguments: str) -> str:
        """The output of a command, which must succeed."""
        ended = subprocess.run(
            arguments,
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, f"{arguments}\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    def manage(self, *arguments: str) -> str:
        return self.run("python", "manage.py", *arguments)

    def python(self, lines: str) -> str:
        """What these lines print last, in the project's own shell."""
        return self.manage("shell", "-c", lines).strip().splitlines()[-1]

    @contextmanager
    def running(self, *arguments: str) -> Iterator[None]:
        """A `manage.py` command that runs inside the `with`."""
        log = self.folder / f"{arguments[0]}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["python", "manage.py", *arguments],
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(_STOP_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def logs(self) -> str:
        """What its processes have said, for a test that fails."""
        files = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {file.name}\n{file.read_text()}" for file in files)


@pytest.fixture(scope="module")
def host(environ, tmp_path_factory) -> Host:
    """A project as `startproject` makes it, with what the README says added."""
    folder = tmp_path_factory.mktemp("host")
    host = Host(folder, environ, any_free_port(), any_free_port())
    host.run("django-admin", "startproject", "shop", ".")
    settings, urls = host.here(code("python", "INSTALLED_APPS")).split("# urls.py\n")
    (sqlite,) = re.findall(r'`("OPTIONS": \{.*?\})`', _HOW_TO_INSTALL)
    append(folder / "shop/settings.py", f'{settings}\nDATABASES["default"] |= {{{sqlite}}}\n')
    append(folder / "shop/urls.py", urls)
    host.manage(*command("migrate"))
    return host


def append(file: Path, text: str) -> None:
    file.write_text(f"{file.read_text()}\n{text}")


_CREATE_ENDPOINT = """
from clicktocall.endpoints.save import save_endpoint
from clicktocall.models import Account, Endpoint

endpoint = Endpoint(
    account=Account.objects.create(name="Shop"),
    name="Sales",
    provider="sandbox",
    extension="+442079460150",
    allowed_countries=["GB"],
    allow_any_number=True,
    allowed_origins=["{origin}"],
)
save_endpoint(endpoint)
print(endpoint.pk)
"""


@pytest.fixture(scope="module")
def endpoint_id(host) -> str:
    created: str = host.python(_CREATE_ENDPOINT.format(origin=host.origin))
    return created


@pytest.fixture(scope="module")
def site(host, endpoint_id) -> Iterator[Host]:
    """The project with all its processes, the telephone company twenty times faster than life."""
    with ExitStack() as processes:
        for arguments in (
            [*command("simulate_provider sandbox"), "--speed", "20"],
            command("run_dispatcher"),
            ["runserver", "--noreload", f"127.0.0.1:{host.port}"],
        ):
            processes.enter_context(host.running(*arguments))
        wait_for(host, lambda: health(host) == "ok", _START_LIMIT, "the site is not healthy")
        yield host


def health(host: Host) -> str:
    try:
        told = requests.get(f"{host.origin}/clicktocall/health/", timeout=5)
    except requests.ConnectionError:
        return "silent"
    status: str = told.json()["status"]
    return status


def wait_for(host: Host, happened: Any, limit: float, otherwise: str) -> None:
    give_up = time.monotonic() + limit
    while not happened():
        assert time.monotonic() < give_up, f"{otherwise}\n{host.logs()}"
        time.sleep(0.1)


def test_pip_finds_every_requirement(host):
    assert "No broken requirements" in host.run("python", "-m", "pip", "check")
    where = Path(host.python("import clicktocall; print(clicktocall.__file__)"))
    assert where.is_relative_to(host.environ["VIRTUAL_ENV"])
    assert (where.parent / "py.typed").is_file()


def test_the_project_is_checked_clean(host):
    said = host.manage(*command("check"), "--fail-level", "WARNING")
    assert said.startswith("System check identified no issues")
    host.manage("makemigrations", "--check", "--dry-run")


def test_providers_can_reach_it(site):
    site.manage(*command("check_callbacks"))


def test_a_page_of_the_project_gets_the_button_and_its_script(site, endpoint_id):
    (tag,) = re.findall(r"`(\{% load clicktocall %\}.*?)`", _HOW_TO_INSTALL)
    page = site.python(
        "from django.template import Context, Template; from clicktocall.models import Endpoint; "
        f"print(Template({tag!r}).render(Context({{'endpoint': Endpoint.objects.get()}})))"
    )
    assert f'<click-to-call endpoint="{endpoint_id}">' in page
    assert f'data-api="{site.origin}/clicktocall/"' in page
    (address,) = re.findall(r'src="([^"]+)"', page)
    script = requests.get(address, timeout=10)
    assert script.status_code == 200, address
    assert "javascript" in script.headers["Content-Type"]
    assert script.content == (CHECKOUT / "widget_static/clicktocall/widget.js").read_bytes()


def test_a_visitor_s_call_goes_through(site, endpoint_id):
    embed = f"{site.origin}/clicktocall/embed/{endpoint_id}/"
    visitor = requests.Session()
    visitor.headers["Origin"] = site.origin
    assert visitor.get(embed, timeout=10).json()["open"] is True
    stranger = requests.post(f"{embed}token/", json={}, timeout=10)
    assert stranger.status_code == 403, stranger.text
    token = visitor.post(f"{embed}token/", json={}, timeout=10).json()["token"]
    wish = {
        "contact": "020 7946 0001",
        "token": token,
        "idempotency_key": secrets.token_hex(16),
    }
    asked = visitor.post(f"{embed}calls/", json=wish, timeout=10)
    assert asked.status_code == 202, f"{asked.text}\n{site.logs()}"

    def call() -> dict[str, Any]:
        answer = visitor.get(asked.json()["status_url"], timeout=10)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    wait_for(site, lambda: call()["state"] == "ended", _CALL_LIMIT, "the call does not end")
    ended = call()
    assert ended["outcome"] == "completed", site.logs()
    assert ended["legs"] == {"a": "ended", "b": "ended"}
    assert ended["connected_at"] < ended["ended_at"]


_FOLLOW = f"""
import time
give_up = time.monotonic() + {_CALL_LIMIT}
while not call.is_over and time.monotonic() < give_up:
    time.sleep(0.1)
    call.refresh_from_db()
print(call.requester, call.state, call.outcome)
"""


def test_the_project_s_own_code_places_a_call(site, endpoint_id):
    told = site.python(
        "from clicktocall.models import Endpoint\n"
        "from django.contrib.auth.models import User\n"
        f"endpoint, user = Endpoint.objects.get(pk={endpoint_id!r}), User(pk=12)\n"
        + code("python", "request_call(")
        + _FOLLOW
    )
    assert told == "user:12 ended completed", site.logs()


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_another_server_places_a_call_as_the_readme_says(site, endpoint_id, environ):
    key = site.python(
        "from clicktocall.accounts.keys import issue_key\n"
        "from clicktocall.models import Account, Scope\n"
        "print(issue_key(Account.objects.get(), 'other server', Scope.values)[1])"
    )
    curl = code("sh", "curl").replace("https://www.example.com", site.origin)
    told = shell(curl, site.folder, environ | {"API_KEY": key, "ENDPOINT": endpoint_id})
    assert told.returncode == 0, told.stderr
    status_url = json.loads(told.stdout)["status_url"]
    asking = {"Authorization": f"Bearer {key}"}

    def call() -> dict[str, Any]:
        seen: dict[str, Any] = requests.get(status_url, headers=asking, timeout=10).json()
        return seen

    wait_for(site, lambda: call()["state"] == "ended", _CALL_LIMIT, "the call does not end")
    ended = call()
    assert (ended["door"], ended["contact"]) == ("api", "+442079460101")
    # The documentation stands there too; its page says what it would take to draw it.
    contract = requests.get(f"{site.origin}/clicktocall/api/v1/schema/", timeout=30)
    assert contract.json()["openapi"].startswith("3.1")
    page = requests.get(f"{site.origin}/clicktocall/api/v1/docs/", timeout=10)
    assert "drf_spectacular_sidecar" in page.text
