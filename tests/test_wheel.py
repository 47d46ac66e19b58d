"""The wheel brings everything: an installation serves the desk without a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = {".stamp"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def shipped() -> set[str]:
    """What an installation needs of the checkout, besides Python files."""
    folders = ["processes", "webapp/templates", "webapp/static", "webapp/migrations", "webapp/replay"]
    files = {path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()}
    return {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}


def test_the_wheel_has_processes_templates_migrations_and_built_assets(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    missing = {name for name in shipped() - inside if Path(name).suffix not in LEFT_OUT}
    assert missing == set()
    assert any(name.startswith("webapp/static/build/") for name in inside)
    assert not any(name.startswith(("tests/", "bench/", "docs/")) for name in inside)


def test_an_installed_desk_prepares_an_empty_database(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    program = (
        "import webapp, pathlib\n"
        "from webapp.app import create_app, desk_of\n"
        "from webapp.settings import Settings\n"
        "from webapp import ready\n"
        "from webapp.shipped import deploy_shipped\n"
        f"assert pathlib.Path(webapp.__file__).is_relative_to({str(site)!r}), webapp.__file__\n"
        "app = create_app(Settings.from_environment())\n"
        "with app.app_context():\n"
        "    ready.migrate()\n"
        "    print(len(deploy_shipped(desk_of(app), update=False).definitions))\n"
        "    print(app.test_client().get('/sign-in').status_code)\n"
    )
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LOVEM_")},
        "PYTHONPATH": str(site),
        "LOVEM_DATABASE_URL": f"sqlite:///{tmp_path / 'desk.db'}",
        "LOVEM_SECRET_KEY": "b1f0c8a4d97e4b6c9e2a7d5f3c1b8e6a",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    definitions, status = done.stdout.split()
    assert int(definitions) > 20
    assert status == "200"
