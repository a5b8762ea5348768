"""Stand-ins for libraries that Debian's FFmpeg is linked with and that Vora never calls.

libavcodec, libavformat and libavfilter name some fifty libraries as NEEDED (speech synthesis, SVG, GPU, network protocols ...), which
with theirs are 160 MB. Files of the accepted containers (libs/media/input/input.cc) are read by FFmpeg's own decoders or by those in KEPT. For each
of the others, a library of the same name with the same symbols takes its place; a call says which library is missing and ends the process,
which is a decoder's child. The image is smaller by two thirds, and so is what a hostile file can reach.
"""

import os
import re
import subprocess
import tempfile

import elf

# Whose libraries may be absent.
OWNERS = re.compile(r"lib(avcodec|avformat|avfilter|avutil|swresample|swscale|postproc)\.so")
# What stays of theirs: themselves, the C and C++ runtime, compression, and the codecs that are used. libzvbi is asked for its version
# as soon as a transport stream with teletext is opened.
KEPT = re.compile(r"(lib(avcodec|avformat|avfilter|avutil|swresample|swscale|postproc|c|m|stdc\+\+|gcc_s|z|bz2|lzma|snappy|x264|dav1d|zvbi)|ld-linux.*)\.so")

# FFmpeg asks two players of game and tracker music about every file whether it is one of theirs, and some encoders what they can do as
# soon as codecs are listed. They say no, and nothing.
_ANSWERS = re.compile(r"(gme_identify_header|openmpt_probe_file_header(_without_filesize)?|(aom|vpx)_codec_get_caps|aom_codec_av1_cx|(aom|vpx)_codec_version|vpx_codec_vp9_cx|x265_api_get_\d+)$")
_TEXTS = {"gme_identify_header"}

_HEAD = """
#include <stdio.h>
#include <stdlib.h>
static void absent(const char* function) {
  fprintf(stderr, "%%s of %s is not in this image: see deploy/docker/absent_libraries.py\\n", function);
  abort();
}
"""


def is_absent(soname, wanted_by):
    """Whether the image does without this library; wanted_by: the file names of all that name it as NEEDED."""
    return not KEPT.match(soname) and all(OWNERS.match(os.path.basename(name)) for name in wanted_by)


def make(soname, original, callers, target):
    """Writes the stand-in of `original` to `target`, with the symbols that the files `callers` want of it."""
    _, defined = elf.symbols(original)
    wanted = set()
    for caller in callers:
        for name, version in elf.symbols(caller)[0]:
            if (name, version) in defined:
                wanted.add((name, version))
    versions, lines = {}, [_HEAD % soname]
    for name, version in sorted(wanted):
        kind, size = defined[(name, version)]
        versions.setdefault(version, []).append(name)
        if kind == "OBJECT":
            lines.append(f'char {name}[{max(size, 1)}] __attribute__((aligned(16), visibility("default")));')
        elif _ANSWERS.match(name):
            lines.append(f'const char* {name}(void) {{ return {chr(34) * 2 if name in _TEXTS else 0}; }}')
        else:
            lines.append(f"void {name}(void) {{ absent(__func__); }}")
    script = "".join(
        (f"{version} {{ global: {'; '.join(names)}; }};\n" if version else "") for version, names in sorted(versions.items())
    )
    with tempfile.TemporaryDirectory() as folder:
        source, map_file = os.path.join(folder, "absent.c"), os.path.join(folder, "absent.map")
        with open(source, "w") as file:
            file.write("\n".join(lines))
        command = ["gcc", "-w", "-O1", "-fno-builtin", "-fPIC", "-shared", "-nostartfiles", "-s", f"-Wl,-soname,{soname}", "-Wl,--build-id=none"]
        if script:
            with open(map_file, "w") as file:
                file.write(script)
            command.append(f"-Wl,--version-script={map_file}")
        subprocess.run(command + ["-o", target, "absent.c"], check=True, cwd=folder)
