"""Reads what packing needs to know of ELF files, through binutils' readelf."""

import functools
import re
import subprocess


def _readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], check=True, capture_output=True, text=True).stdout


@functools.lru_cache(maxsize=None)
def needed(path):
    """The sonames that the file names as NEEDED, in order."""
    return re.findall(r"\(NEEDED\).*\[(.+)\]", _readelf("--dynamic", path))


def interpreter(path):
    """The path of the dynamic loader that a program names."""
    return re.search(r"program interpreter: (.+)\]", _readelf("--program-headers", path)).group(1)


@functools.lru_cache(maxsize=None)
def symbols(path):
    """(undefined, defined): sets of (name, version), and a dict from (name, version) to (type, size)."""
    undefined, defined = set(), {}
    for line in _readelf("--dyn-syms", path).splitlines():
        fields = line.split()
        if len(fields) < 8 or not fields[0].endswith(":") or not fields[0][:-1].isdigit():
            continue
        kind, binding, section, symbol = fields[3], fields[4], fields[6], fields[7]
        name, _, version = symbol.replace("@@", "@").partition("@")
        if section == "UND":
            if name and binding in ("GLOBAL", "WEAK"):
                undefined.add((name, version))
        else:
            defined[(name, version)] = (kind, int(fields[2], 0))
    return undefined, defined


@functools.lru_cache(maxsize=None)
def library_paths():
    """From a soname to the file that this system's loader takes for it."""
    listing = subprocess.run(["/sbin/ldconfig", "-p"], check=True, capture_output=True, text=True).stdout
    paths = {}
    for soname, path in re.findall(r"^\s+(\S+) \(.*\) => (\S+)$", listing, re.MULTILINE):
        paths.setdefault(soname, path)
    return paths
