"""Includes and calls run one way: from a service down to common/base."""

import re
import subprocess
from collections import defaultdict

import pytest
from tree import MAY_USE, ROOT, SERVICES, SERVICE_NAMES, SOLE_INCLUDERS, component, includes, relative, sources

COMMON = {path.name for path in (SERVICES / "common").iterdir() if path.is_dir()}


def test_every_component_has_a_layer():
    assert COMMON | set(SERVICE_NAMES) == set(MAY_USE)


def test_a_third_party_header_has_one_owner():
    wrong = []
    for path in sources():
        for _, name in includes(path):
            for header, owners in SOLE_INCLUDERS.items():
                if name.startswith(header) and component(path) not in owners:
                    wrong.append(f"{relative(path)} includes <{name}>, which belongs to {', '.join(sorted(owners))}")
    assert not wrong, "\n".join(wrong)


def test_a_component_includes_only_what_lies_below_it():
    wrong = []
    for path in sources():
        own = component(path)
        for quoted, name in includes(path):
            target = name.split("/")[0]
            if quoted and target in COMMON and (SERVICES / "common" / name).exists() \
                    and target not in MAY_USE[own] | {own, "base"}:
                wrong.append(f"{relative(path)} includes {name}: {own} may not use {target}")
    assert not wrong, "\n".join(wrong)


def test_no_service_includes_another():
    wrong = [f"{relative(path)}: {name}" for path in sources() for quoted, name in includes(path)
             if quoted and ("../" in name or any(f"{other}/src" in name for other in SERVICE_NAMES))]
    assert not wrong, "\n".join(wrong)


def _folder_edges(service):
    """Which folder of a service's src includes which."""
    top = SERVICES / service / "src"
    edges = defaultdict(set)
    for path in sources(under=top):
        here = path.relative_to(top).parts[0] if path.parent != top else "main"
        for quoted, name in includes(path):
            there = name.split("/")[0]
            if quoted and (top / name).exists() and there != here:
                edges[here].add(there)
    return edges


def _cycle(edges):
    """One cycle as a list of names, or None."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node):] + [node]
        if node in done:
            return None
        path.append(node)
        for following in sorted(edges.get(node, ())):
            if found := visit(following):
                return found
        path.pop()
        done.add(node)
        return None

    for start in sorted(edges):
        if found := visit(start):
            return found
    return None


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_folders_inside_a_service_form_no_cycle(service):
    found = _cycle(_folder_edges(service))
    assert not found, " -> ".join(found or [])


def _symbols(archive):
    """(defined, undefined) global symbols of a static library."""
    out = subprocess.run(["nm", "-g", "--format=posix", str(archive)], capture_output=True, text=True, check=True).stdout
    rows = [line.split()[:2] for line in out.splitlines() if re.match(r"^\S+ [A-Za-z]( |$)", line)]
    return {n for n, kind in rows if kind in "TDBRV"}, {n for n, kind in rows if kind == "U"}


def test_calls_run_down_the_layers():
    folder = ROOT / "build/release/services"
    archives = {path.stem.removeprefix("libmu_").removeprefix("lib").removesuffix("_core"): path
                for path in folder.glob("lib*.a")}
    if set(archives) != set(MAY_USE):
        pytest.skip("SKIPPED: the release preset is not built, so there are no libraries to look into")
    symbols = {name: _symbols(path) for name, path in archives.items()}
    owner = {symbol: name for name, (defined, _) in symbols.items() if name in COMMON for symbol in defined}
    wrong = [f"{name} calls {symbol} of {owner[symbol]}" for name, (_, wanted) in symbols.items() for symbol in sorted(wanted)
             if symbol in owner and owner[symbol] not in MAY_USE[name] | {name, "base"}]
    assert not wrong, "\n".join(wrong)


def test_the_page_of_the_services_shows_these_layers():
    """services/README.md, "Layers": | `common/bus` | msg, base | librdkafka/rdkafka.h |"""
    rows = re.findall(r"^\| `(?:common/)?(\w+)` \| ([^|]+) \| ([^|]*)\|$", (SERVICES / "README.md").read_text(), re.MULTILINE)
    shown = {name: set(re.findall(r"\b(?:" + "|".join(MAY_USE) + r")\b", uses)) - {"base"} for name, uses, _ in rows}
    transitive = {name: {lower for use in uses for lower in {use} | MAY_USE[use]} for name, uses in shown.items()}
    assert transitive == MAY_USE
    owners = defaultdict(set)
    for name, _, headers in rows:
        for header in re.findall(r"[\w-]+(?:/[\w-]+)?\.h", headers):
            owners[header].add(name)
            owners[header] |= set(re.findall(re.escape(header) + r" \(with (\w+)\)", headers))
    expected = {header: holders for header, holders in SOLE_INCLUDERS.items() if header != "openssl/"}
    wrong = [f"{header}: {sorted(holders)}" for header, holders in expected.items()
             if {name for shown_header, names in owners.items() if shown_header.startswith(header.rstrip("/")) for name in names} != holders]
    assert not wrong, wrong
