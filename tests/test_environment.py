"""The three lists of packages agree: pyproject.toml names, environment.yml repeats, constraints.txt pins."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
SYSTEMS = ({"sys_platform": "linux"}, {"sys_platform": "win32"}, {"sys_platform": "darwin"})


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def as_set(lines: list[str]) -> set[tuple[str, str, str]]:
    requirements = map(Requirement, lines)
    return {(r.name.lower(), str(r.specifier), str(r.marker or "")) for r in requirements}


def named_in_pyproject(pyproject: str) -> set[tuple[str, str, str]]:
    project = tomllib.loads(pyproject)["project"]
    return as_set(project["dependencies"] + project["optional-dependencies"]["test"])


def named_in_environment(environment: str) -> set[tuple[str, str, str]]:
    return as_set([line for line in pip_section(environment) if not line.startswith("-")])


def pip_section(environment: str) -> list[str]:
    (section,) = [part for part in yaml.safe_load(environment)["dependencies"] if isinstance(part, dict)]
    return section["pip"]


def pins(constraints: str) -> dict[str, Requirement]:
    lines = [line for line in constraints.splitlines() if line and not line.startswith("#")]
    return {(r := Requirement(line)).name: r for line in lines}


def outside_its_range(pyproject: str, constraints: str) -> list[str]:
    """Return the dependencies without a pin in their range on every system that needs them."""
    pinned = pins(constraints)
    wrong = []
    for name, ranges, marker in named_in_pyproject(pyproject):
        need = Requirement(f"{name}{ranges}; {marker}" if marker else f"{name}{ranges}")
        pin = pinned.get(name)
        wrong += [name] * (pin is None or not holds(need, pin))
    return wrong


def holds(need: Requirement, pin: Requirement) -> bool:
    (exact,) = pin.specifier
    everywhere = all(
        pin.marker is None or pin.marker.evaluate(system)
        for system in SYSTEMS
        if need.marker is None or need.marker.evaluate(system)
    )
    return exact.operator == "==" and need.specifier.contains(exact.version) and everywhere


def test_conda_and_pip_name_the_same_packages_with_the_same_ranges():
    assert named_in_environment(text("environment.yml")) == named_in_pyproject(text("pyproject.toml"))


@pytest.mark.parametrize("line", ["- torch>=2.11,<3", "- nbval>=0.11,<0.12", "- kaleido>=1.0,<2"])
def test_a_line_missing_or_altered_in_environment_is_seen(line):
    environment, named = text("environment.yml"), named_in_pyproject(text("pyproject.toml"))
    assert line in environment
    assert named_in_environment(environment.replace(f"      {line}\n", "")) != named
    assert named_in_environment(environment.replace(line, line[:-1] + "99")) != named


def test_conda_brings_only_python_and_pip_from_one_channel():
    environment = yaml.safe_load(text("environment.yml"))
    names = [re.split("[=<> ]", part)[0] for part in environment["dependencies"] if isinstance(part, str)]
    assert (environment["channels"], names) == (["conda-forge"], ["python", "pip"])


def test_conda_installs_this_project_under_the_constraints():
    assert [line for line in pip_section(text("environment.yml")) if line.startswith("-")] == [
        "-c constraints.txt",
        "-e .",
    ]


def test_every_dependency_has_a_pin_inside_its_range():
    assert outside_its_range(text("pyproject.toml"), text("constraints.txt")) == []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("plotly==7.1.0", "plotly==8.0.0"),
        ("plotly==7.1.0\n", ""),
        ("nbval==0.11.0", 'nbval==0.11.0; sys_platform == "linux"'),
        ('triton==3.7.1; sys_platform == "linux"', 'triton==3.7.1; sys_platform == "win32"'),
    ],
)
def test_a_wrong_pin_is_seen(good, bad):
    constraints = text("constraints.txt")
    assert good in constraints
    assert outside_its_range(text("pyproject.toml"), constraints.replace(good, bad)) == [good.split("==")[0]]


def test_every_constraint_is_one_exact_public_version():
    for requirement in pins(text("constraints.txt")).values():
        (exact,) = requirement.specifier
        assert exact.operator == "==" and "+" not in exact.version and requirement.url is None, requirement
    lines = [line for line in text("constraints.txt").splitlines() if line and not line.startswith("#")]
    assert lines == sorted(lines, key=lambda line: Requirement(line).name)


def test_torch_is_pinned_exactly_and_triton_only_on_linux():
    pinned = pins(text("constraints.txt"))
    assert str(pinned["torch"]) == "torch==2.13.0"
    assert str(pinned["triton"]) == 'triton==3.7.1; sys_platform == "linux"'


@pytest.mark.parametrize(
    "name", ["pyproject.toml", "environment.yml", "constraints.txt", "course.py", ".ci/run"]
)
def test_no_file_names_the_host_of_a_package_index(name):
    assert re.findall(r"https?://\S+|\b[\w-]+\.(?:org|com|io|net)\b|--(?:extra-)?index-url", text(name)) == []
