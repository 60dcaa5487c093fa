"""What a host project installs: the package, and its templates and assets inside it."""

from __future__ import annotations

import subprocess
import sys
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.product_process import CHECKOUT, clean_environ

pytestmark = pytest.mark.slow

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
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "--target", target, "-d", folder],
            cwd=source,
            check=True,
            capture_output=True,
        )
    return next(folder.glob("*.whl"))


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


def test_it_asks_only_for_what_the_app_imports(wheel):
    with ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Requires-Python"] == ">=3.11"
    hard = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert sorted(line.split("<")[0].split(">")[0].lower() for line in hard) == [
        "babel",
        "django",
        "django-phonenumber-field",
        "djangorestframework",
        "google-re2",
        "phonenumbers",
        "requests",
    ]
