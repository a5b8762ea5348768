#!/usr/bin/env python3
"""Puts together an image's root: programs, the libraries they need, and what these need of a system.

    pack.py --programs DIR --console DIR --lock package-lock.json --version V --root DIR

The root holds no shell, no package manager, no compiler. What is in it is written down in usr/share/doc/vora/sbom.json (SPDX 2.3). The same
packages and programs give the same bytes: names are sorted, times are SOURCE_DATE_EPOCH.
"""

import argparse
import os
import shutil
import stat
import subprocess

import absent_libraries
import elf
import sbom

USER = 65532
FILES = {
    "etc/passwd": f"root:x:0:0:root:/root:/usr/sbin/nologin\nvora:x:{USER}:{USER}:Vora:/var/lib/vora:/usr/sbin/nologin\n",
    "etc/group": f"root:x:0:\nvora:x:{USER}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
# Of the system of the build, as it is there.
COPIED = ["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/openssl.cnf", "/etc/os-release", "/usr/share/zoneinfo"]
LINKS = {"lib": "usr/lib", "lib64": "usr/lib64", "usr/lib/ssl/certs": "/etc/ssl/certs", "usr/lib/ssl/openssl.cnf": "/etc/ssl/openssl.cnf"}


def copy(source, target):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(source):
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copyfile(source, target)
        os.chmod(target, 0o755 if os.access(source, os.X_OK) else 0o644)


def collect_libraries(programs):
    """(real, absent): dicts from soname to the file, and to (original file, files that want it)."""
    wanted_by, queue, seen = {}, list(programs), set(programs)
    while queue:
        path = queue.pop()
        for soname in elf.needed(path):
            wanted_by.setdefault(soname, set()).add(path)
            original = os.path.realpath(elf.library_paths()[soname])
            if original in seen or absent_libraries.is_absent(soname, [path]):
                continue
            seen.add(original)
            queue.append(original)
    real, absent = {}, {}
    for soname, callers in wanted_by.items():
        original = os.path.realpath(elf.library_paths()[soname])
        if original in seen:
            real[soname] = original
        else:
            absent[soname] = (original, callers)
    return real, absent


def place_libraries(root, real, absent, origins):
    # One folder for all, the one of the architecture: the loader looks there without a cache.
    folder = os.path.join(root, "usr/lib", os.path.basename(os.path.dirname(os.path.realpath(elf.library_paths()["libc.so.6"]))))
    for soname, original in sorted(real.items()):
        if soname.startswith("ld-linux"):
            continue  # place_loader's: programs name its whole path
        copy(original, os.path.join(folder, soname))
        origins[os.path.join(folder, soname)] = original
    for soname, (original, callers) in sorted(absent.items()):
        absent_libraries.make(soname, original, sorted(callers), os.path.join(folder, soname))
        os.chmod(os.path.join(folder, soname), 0o644)


def place_loader(root, program, origins):
    loader = elf.interpreter(program)
    target = os.path.join(root, "usr", loader.lstrip("/"))
    copy(os.path.realpath(loader), target)
    os.chmod(target, 0o755)
    origins[target] = os.path.realpath(loader)


# What calls into absent libraries as soon as codecs are listed or a file is looked at shows here, not in production.
_CHECK = """
import ctypes, sys
codec, media = ctypes.CDLL("libavcodec.so.59"), ctypes.CDLL("libavformat.so.59")
for find in (codec.avcodec_find_decoder_by_name, codec.avcodec_find_encoder_by_name):
    find.restype = ctypes.c_void_p
if not all(codec.avcodec_find_decoder_by_name(name) for name in (b"h264", b"hevc", b"vp9", b"libdav1d", b"aac", b"opus")):
    sys.exit("a decoder is missing")
if not all(codec.avcodec_find_encoder_by_name(name) for name in (b"libx264", b"aac", b"mjpeg")):
    sys.exit("an encoder is missing")
context = ctypes.c_void_p()
media.avformat_open_input(ctypes.byref(context), b"/etc/os-release", None, None)
"""


def check_media(root):
    folder = os.path.dirname(os.path.join(root, "usr/lib", os.path.relpath(elf.library_paths()["libavcodec.so.59"], "/lib")))
    subprocess.run(["python3", "-c", _CHECK], check=True, env={**os.environ, "LD_LIBRARY_PATH": folder})


def settle_times(root, epoch):
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            os.utime(os.path.join(folder, name), (epoch, epoch), follow_symlinks=False)
    os.utime(root, (epoch, epoch))


def main():
    parser = argparse.ArgumentParser()
    for name in ("programs", "console", "lock", "version", "root"):
        parser.add_argument("--" + name, required=True)
    args = parser.parse_args()
    epoch, root, origins = int(os.environ.get("SOURCE_DATE_EPOCH") or 0), args.root, {}
    os.umask(0o022)

    programs = sorted(os.path.join(args.programs, name) for name in os.listdir(args.programs))
    for program in programs:
        copy(program, os.path.join(root, "usr/bin", os.path.basename(program)))
    real, absent = collect_libraries(programs)
    place_libraries(root, real, absent, origins)
    place_loader(root, programs[0], origins)
    check_media(root)
    copy(args.console, os.path.join(root, "usr/share/vora/console"))
    for source in COPIED:
        copy(source, os.path.join(root, source.lstrip("/")))
        origins[os.path.join(root, source.lstrip("/"))] = source
    for name, text in FILES.items():
        with open(os.path.join(root, name), "w") as file:
            file.write(text)
    for name, target in LINKS.items():
        os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
        os.symlink(target, os.path.join(root, name))
    for name in ("tmp", "run", "proc", "sys", "dev"):
        os.makedirs(os.path.join(root, name))
    os.chmod(os.path.join(root, "tmp"), 0o777 | stat.S_ISVTX)

    sbom.write(root, origins, sorted(absent), args.lock, args.version, epoch)
    settle_times(root, epoch)
    print(f"{len(programs)} programs, {len(real)} libraries, {len(absent)} libraries absent")


main()
