# One file for all services: docker build --build-arg SERVICE=catalog -t tenfold/catalog .
# The steps up to `build`, and `runtime`, are the same for each, so all but the first take seconds.
#
# The image that is built from has Node and a shell; the one that runs has Node, the libraries that it is linked to,
# and the service. Replace the tag by the digest of the image that you have checked.
ARG BASE=node:24-bookworm-slim
# BuildKit says what it builds on; a builder without it is taken to be this.
ARG BUILDPLATFORM=${BUILDPLATFORM:-linux/amd64}

# package.json of every workspace and nothing else: as long as they stay the same, so does the next step.
FROM --platform=${BUILDPLATFORM} ${BASE} AS workspaces
WORKDIR /source
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json ! -name .npmrc -delete

# On the platform that builds, whatever the platform of the image: nothing that is made here has machine code in it.
FROM --platform=${BUILDPLATFORM} ${BASE} AS packages
WORKDIR /source
COPY --from=workspaces /source ./
# Not `npm ci`: it refuses a lockfile made where an optional package of another platform could not be looked up.
RUN npm install --no-save --loglevel=error && npm cache clean --force

# The same with machine code of the image's platform, where that is another one.
FROM packages AS target-packages
ARG BUILDARCH
ARG TARGETARCH
RUN test "$BUILDARCH" = "$TARGETARCH" || { \
  npm install --no-save --ignore-scripts --loglevel=error --os=linux --libc=glibc --cpu="$(echo "$TARGETARCH" | sed s/amd64/x64/)" && npm cache clean --force; }

# What prepares databases, seeds them and measures PgBouncer where docker-compose.yml runs. Never deployed.
FROM ${BASE} AS tools
WORKDIR /source
COPY --from=target-packages /source ./
COPY libs libs
COPY loadtests loadtests
USER 65532:65532
ENTRYPOINT ["node", "--max-semi-space-size=8"]

FROM packages AS build
COPY tsconfig.base.json ./
COPY scripts scripts
COPY libs libs
COPY apps apps
RUN node scripts/build.ts

# The service, under /image/app, for any platform.
FROM build AS service
ARG SERVICE
RUN test -n "$SERVICE" || { echo 'Say which service: --build-arg SERVICE=catalog'; exit 1; }
RUN node scripts/ship.ts "$SERVICE" /image/app

# What Node needs, under /image, of the image's platform: emulated where that is another one, for some seconds.
FROM ${BASE} AS runtime
RUN node="$(readlink -f "$(command -v node)")" \
  && mkdir -p /image/usr/bin /image/etc/ssl/certs /image/tmp /objects \
  && cp "$node" /image/usr/bin/node \
  # The loader and the libraries, at the paths that the binary has for them.
  && { ldd "$node"; ls -d /lib/*-linux-gnu/libnss_dns.so.2 /lib/*-linux-gnu/libnss_files.so.2 /lib/*-linux-gnu/libresolv.so.2; } \
     | grep -o '/[^ ]*' | while read -r library; do cp -L --parents "$library" /image; done \
  && cp -L /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ 2>/dev/null || true; \
  echo 'service:x:65532:65532::/app:/nonexistent' > /image/etc/passwd \
  && echo 'service:x:65532:' > /image/etc/group \
  && echo 'hosts: files dns' > /image/etc/nsswitch.conf \
  && chmod 1777 /image/tmp

FROM scratch
ARG SERVICE
ARG VERSION=development
ARG REVISION
LABEL org.opencontainers.image.title="tenfold/${SERVICE}" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.licenses="MIT"
COPY --from=runtime /image /
COPY --from=service /image /
# Where a volume for the object store is mounted: an empty one takes over whose folder it is.
COPY --from=runtime --chown=65532:65532 /objects /objects
WORKDIR /app
USER 65532:65532
ENV NODE_ENV=production HOST=0.0.0.0 OPERATIONS_PORT=8081 TZ=UTC VERSION=${VERSION}
EXPOSE 8081
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
  CMD ["/usr/bin/node", "-e", "fetch(`http://127.0.0.1:${process.env.OPERATIONS_PORT}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/usr/bin/node", "--enable-source-maps"]
CMD ["--max-old-space-size=256", "--max-semi-space-size=16", "--single-threaded-gc", "main.js"]
