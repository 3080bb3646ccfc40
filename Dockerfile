# The base is pinned by digest. To renew the pin, ask the registry for the digest of the tag and
# build with --build-arg BASE_DIGEST=sha256:...
ARG BASE_IMAGE=python:3.11-slim-bookworm
ARG BASE_DIGEST=sha256:528257d48c1da0dcecc2e725d1ae34498d60c965f1241e39cd6a85a8859bdf84
# What runs needs Python 3.11 and CA certificates, and neither shell nor pip: a smaller image with these
# serves as well.
ARG RUN_IMAGE=${BASE_IMAGE}
ARG RUN_DIGEST=${BASE_DIGEST}

FROM ${BASE_IMAGE}@${BASE_DIGEST} AS build
WORKDIR /build
# A C compiler, where the base has none.
RUN command -v cc > /dev/null \
 || { apt-get update && apt-get install -y --no-install-recommends gcc=4:12.2.0-* libc6-dev=2.36-* \
 && rm -rf /var/lib/apt/lists/*; }
COPY requirements.txt requirements-native.txt ./
# Wheels only: nothing of a dependency runs while it is installed. Its scripts are left out, as they
# would name this stage's interpreter. /writable is the embedded store's place, for whoever mounts no
# volume of their own there.
RUN python3 -m pip install --no-cache-dir --require-hashes --only-binary=:all: --no-compile \
      --target=/opt/gateway --requirement=requirements.txt \
 && python3 -m pip install --no-cache-dir --require-hashes --only-binary=:all: --no-compile \
      --target=/opt/tools --requirement=requirements-native.txt \
 && rm -rf /opt/gateway/bin \
 && mkdir -p /writable/var/lib/gateway
COPY gateway gateway
# To machine code, by minutes of one processor; then the rest to byte code, as the file system is read-only
# where it runs, and by hash, so that two builds are equal.
RUN PYTHONPATH=/opt/gateway:/opt/tools python3 -m gateway.native /opt/native \
 && cp -R /opt/native/. /opt/gateway \
 && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/gateway

FROM ${RUN_IMAGE}@${RUN_DIGEST}
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG RUN_IMAGE
ARG RUN_DIGEST
LABEL org.opencontainers.image.title="make-call-gateway" \
      org.opencontainers.image.description="The gateway that makes a legacy telephony API safe to use" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${RUN_IMAGE}" \
      org.opencontainers.image.base.digest="${RUN_DIGEST}"
ENV PYTHONPATH=/opt/gateway \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/gateway /opt/gateway
COPY --from=build --chown=10001:10001 /writable/var/lib/gateway /var/lib/gateway
# A number, so that a cluster can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/gateway
EXPOSE 8080 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
  CMD ["python3", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9464/livez', timeout=4)"]
ENTRYPOINT ["python3", "-m", "gateway"]
CMD ["serve", "--config", "/etc/gateway/gateway.yaml"]
