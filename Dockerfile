# The image: one bundled file on Node, as a user without rights, without a shell. Needs BuildKit (Docker 23 and newer use it).
#   docker build -t zonekeeper .
#   docker buildx build --platform linux/amd64,linux/arm64 -t registry.example.com/zonekeeper --push .
# Both base images can be others, from a mirror or made by hand: what runs needs `node` (24 or newer) on its PATH and nothing else.
ARG BUILD_IMAGE=docker.io/library/node:24-bookworm-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian12:nonroot
# "prebuilt": takes dist/ as it lies in the checkout, so that image and package hold the same bytes.
ARG BUNDLE=build

# The bundle is the same for every architecture: built on the machine's own.
FROM --platform=${BUILDPLATFORM} ${BUILD_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
# What of the checkout: .dockerignore tells.
COPY . .
RUN npm run build

FROM scratch AS prebuilt
COPY dist /src/dist

FROM ${BUNDLE} AS bundle

FROM ${RUNTIME_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Zonekeeper" \
      org.opencontainers.image.description="Keeps DNS records at Cloudflare equal to what a PostgreSQL database says should exist." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/zonekeeper/zonekeeper" \
      org.opencontainers.image.documentation="https://github.com/zonekeeper/zonekeeper/tree/main/docs" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=bundle /src/dist /app
# A container's address is its own: the API still asks for a token.
ENV PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin \
    NODE_ENV=production \
    ZONEKEEPER_LISTEN=0.0.0.0:8080 \
    ZONEKEEPER_LOG_FORMAT=json
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["node", "/app/zonekeeper.js", "health"]
ENTRYPOINT ["node", "--max-semi-space-size=16", "/app/zonekeeper.js"]
CMD ["run"]
