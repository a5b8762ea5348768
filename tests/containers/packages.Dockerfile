# A Debian 12 with everything that Vora's packages depend on and nothing of theirs; packages.test.mjs installs them in it, without a network.
ARG BASE=docker.io/library/debian:12-slim
FROM ${BASE}
# Packages must not start what they install.
RUN printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d && useradd --create-home somebody
ARG DEPENDS
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends ${DEPENDS} && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
