"""What the README and docs say of settings, commands and the API is what the code has."""

import json
import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from dreaming.api import api

CHECKOUT = Path(__file__).resolve().parent.parent
README = (CHECKOUT / "README.md").read_text()
OUR_APPS = {"audit", "sessions", "memory", "dreaming", "reviews"}


def settings_read() -> set[str]:
    """The environment variables that the code asks for."""
    names = set()
    for file in (path for app in OUR_APPS for path in (CHECKOUT / app).rglob("*.py")):
        text = file.read_text()
        names |= set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', text))
        names |= set(re.findall(r'os\.environ(?:\.get\(|\[)\s*"([A-Z_]+)"', text))
        names |= set(re.findall(r'"(DAYLIGHT_[A-Z_]+)"', text))
    return names - {"HOME", "DJANGO_SETTINGS_MODULE"}


def test_every_setting_is_in_the_readme():
    assert "DATABASE_URL" in settings_read()
    assert sorted(name for name in settings_read() if f"`{name}`" not in README) == []


def test_no_setting_in_the_readme_is_made_up():
    table = README.split("## Configuration")[1].split("\n## ")[0]
    documented = set(re.findall(r"^\| `([A-Z_]+)`", table, re.MULTILINE))
    assert sorted(documented - settings_read()) == []


@pytest.mark.parametrize("command", sorted(set(re.findall(r"manage\.py (\w+)", README))))
def test_every_command_in_the_readme_exists_and_takes_its_options(command):
    parser = load_command_class(get_commands()[command], command).create_parser("manage.py", command)
    known = {option for action in parser._actions for option in action.option_strings}
    used = {
        option
        for line in re.findall(rf"manage\.py {command}\b([^`\n#]*)", README)
        for option in re.findall(r"--[a-z-]+", line)
    }
    assert used <= known


def test_the_openapi_document_is_current():
    """Renew it with: manage.py export_openapi_schema --api dreaming.api.api --indent 2 > docs/openapi.json"""
    assert json.loads((CHECKOUT / "docs" / "openapi.json").read_text()) == json.loads(
        json.dumps(api.get_openapi_schema())
    )


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_every_link_in_the_readme_leads_somewhere(link):
    assert (CHECKOUT / link).exists()
