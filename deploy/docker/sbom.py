"""The software bill of materials of a packed root, SPDX 2.3 as JSON: which packages, and every file with its checksums."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import time

PLACE = "usr/share/doc/vora/sbom.json"


def _owner(path):
    """The Debian package of a file. Before the merge of / and /usr, some were packed under /lib."""
    for candidate in (path, path.removeprefix("/usr"), "/usr" + path):
        found = subprocess.run(["dpkg", "-S", candidate], capture_output=True, text=True)
        if found.returncode == 0:
            return found.stdout.split(":")[0].split(",")[0]
    return {"/etc/ssl/certs/ca-certificates.crt": "ca-certificates", "/etc/ssl/openssl.cnf": "openssl", "/usr/share/zoneinfo": "tzdata"}.get(path)


def _stanza(package):
    return subprocess.run(["dpkg", "-s", package], check=True, capture_output=True, text=True).stdout


def _field(stanza, name):
    found = re.search(rf"^{name}: (.+)$", stanza, re.MULTILINE)
    return found.group(1) if found else None


def _identifier(kind, name):
    return f"SPDXRef-{kind}-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def _package(identifier, name, version, purl, **more):
    return {
        "SPDXID": identifier,
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}],
        **more,
    }


def _debian_package(root, name):
    """Its entry; leaves its copyright in the image, and its record where scanners of images without dpkg look for it."""
    stanza = _stanza(name)
    documents = f"usr/share/doc/{name}/copyright"
    if os.path.exists("/" + documents):
        os.makedirs(os.path.join(root, os.path.dirname(documents)), exist_ok=True)
        shutil.copyfile("/" + documents, os.path.join(root, documents))
    records = os.path.join(root, "var/lib/dpkg/status.d")
    os.makedirs(records, exist_ok=True)
    with open(os.path.join(records, name), "w") as file:
        file.write("".join(line + "\n" for line in stanza.splitlines() if re.match(r"(Package|Status|Maintainer|Architecture|Source|Version): ", line)))
    version, architecture = _field(stanza, "Version"), _field(stanza, "Architecture")
    source = (_field(stanza, "Source") or name).split(" ")[0]
    purl = f"pkg:deb/debian/{name}@{version}?arch={architecture}&distro=debian-12"
    return _package(_identifier("deb", name), name, version, purl, supplier="Organization: Debian", sourceInfo=f"source package: {source}")


def _npm_packages(lock):
    with open(lock) as file:
        packages = json.load(file)["packages"]
    for path, entry in sorted(packages.items()):
        if path and not entry.get("dev"):
            name = path.split("node_modules/")[-1]
            purl = "pkg:npm/" + name.replace("@", "%40") + "@" + entry["version"]
            yield _package(_identifier("npm", name), name, entry["version"], purl, comment="built into usr/share/vora/console")


def _files(root):
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.islink(path) or os.path.relpath(path, root) == PLACE:
                continue
            with open(path, "rb") as file:
                content = file.read()
            yield path, hashlib.sha1(content).hexdigest(), hashlib.sha256(content).hexdigest()


def write(root, origins, absent, lock, version, epoch):
    """origins: from packed files and folders to where they came from in the system of the build; absent: sonames of stand-ins."""
    owners = {}
    for target, source in origins.items():
        owners[target] = _owner(source)
        if owners[target] is None:
            raise SystemExit(f"{source} is in no Debian package")
    vora = _package(_identifier("vora", "vora"), "vora", version, f"pkg:generic/vora@{version}", primaryPackagePurpose="CONTAINER")
    packages = [vora] + [_debian_package(root, name) for name in sorted(set(owners.values()))] + list(_npm_packages(lock))
    relationships = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": vora["SPDXID"]}]
    relationships += [
        {"spdxElementId": vora["SPDXID"], "relationshipType": "DEPENDS_ON", "relatedSpdxElement": package["SPDXID"]} for package in packages[1:]
    ]
    files = []
    for number, (path, sha1, sha256) in enumerate(_files(root)):
        name = os.path.relpath(path, root)
        entry = {
            "SPDXID": f"SPDXRef-file-{number}",
            "fileName": "./" + name,
            "checksums": [{"algorithm": "SHA1", "checksumValue": sha1}, {"algorithm": "SHA256", "checksumValue": sha256}],
            "licenseConcluded": "NOASSERTION",
            "copyrightText": "NOASSERTION",
        }
        if os.path.basename(name) in absent:
            entry["comment"] = "stands in for a library that is not in the image"
        files.append(entry)
        owner = next((owners[place] for place in (path, *_parents(path, root)) if place in owners), None)
        of_documents = re.match(r"usr/share/doc/([^/]+)/copyright|var/lib/dpkg/status\.d/([^/]+)$", name)
        if of_documents:
            owner = of_documents.group(1) or of_documents.group(2)
        container = _identifier("deb", owner) if owner else vora["SPDXID"]
        relationships.append({"spdxElementId": container, "relationshipType": "CONTAINS", "relatedSpdxElement": entry["SPDXID"]})
    fingerprint = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"vora-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/vora-{version}-{fingerprint[:32]}",
        "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch)), "creators": ["Tool: vora deploy/docker/sbom.py"]},
        "packages": packages,
        "files": files,
        "relationships": relationships,
    }
    target = os.path.join(root, PLACE)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "w") as file:
        json.dump(document, file, indent=1, sort_keys=True)
        file.write("\n")


def _parents(path, root):
    while len(path) > len(root):
        path = os.path.dirname(path)
        yield path
