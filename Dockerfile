# syntax=docker/dockerfile:1

FROM python:3.13-slim-bookworm AS build
ARG TARGETARCH
# One dependency has no wheel for Linux on ARM and is compiled there.
RUN [ "$TARGETARCH" = amd64 ] || { \
        apt-get update \
        && apt-get install --yes --no-install-recommends gcc libc6-dev \
        && rm -rf /var/lib/apt/lists/*; }
WORKDIR /build
COPY requirements/rocksdb.txt requirements/build.txt requirements/
RUN python -m venv /opt/mailflag \
    && /opt/mailflag/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --requirement requirements/rocksdb.txt
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --requirement requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY streams streams
RUN /opt/build/bin/hatchling build --target wheel \
    && /opt/mailflag/bin/pip install --no-cache-dir --disable-pip-version-check \
        --no-deps --no-index dist/*.whl \
    && /opt/mailflag/bin/python -m compileall -q /opt/mailflag/lib

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="mailflag" \
      org.opencontainers.image.description="Which customers can no longer be reached by e-mail, and whose fault it is" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/mailflag /opt/mailflag
# For tables on disk, if they are wanted: a volume mounted here belongs to the user.
RUN install --directory --mode=0700 --owner=10001 --group=10001 /var/lib/mailflag
ENV PATH=/opt/mailflag/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MAILFLAG_WEB_HOST=0.0.0.0
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 6066
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-c", \
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:6066/healthz', timeout=4)"]
ENTRYPOINT ["mailflag"]
CMD ["worker"]
