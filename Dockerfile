# syntax=docker/dockerfile:1

# Both stages are of the same Debian release: the binary uses the C and C++ libraries that it was linked with (DuckDB is C++).
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
# The module proxy alone, as in the Makefile.
ENV CGO_ENABLED=1 GOPROXY=https://proxy.golang.org
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags "-s -w" -o /out/devlogs ./cmd/devlogs
# An empty directory to copy: the image below can't make one that belongs to its user without a shell step.
RUN mkdir -p /out/data

FROM debian:bookworm-20260824-slim
LABEL org.opencontainers.image.title=devlogs \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.source=https://github.com/instantdevlogs/devlogs
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/share/zoneinfo /usr/share/zoneinfo
COPY --from=build /out/devlogs /usr/local/bin/devlogs
COPY --from=build --chown=10001:10001 /out/data /var/lib/devlogs
USER 10001:10001
WORKDIR /var/lib/devlogs
# A container's localhost is nobody else's: what may reach these ports is for whoever publishes them to say.
ENV DEVLOGS_DATA_DIR=/var/lib/devlogs/data \
    DEVLOGS_OTLP_GRPC_ENDPOINT=0.0.0.0:4317 \
    DEVLOGS_OTLP_HTTP_ENDPOINT=0.0.0.0:4318 \
    DEVLOGS_JSON_ENDPOINT=0.0.0.0:4319 \
    DEVLOGS_QUERY_ENDPOINT=0.0.0.0:3100 \
    DEVLOGS_HEALTH_ENDPOINT=0.0.0.0:13133 \
    DEVLOGS_METRICS_HOST=0.0.0.0 \
    DEVLOGS_LOG_ENCODING=json
EXPOSE 3100 4317 4318 4319 8888 13133
VOLUME /var/lib/devlogs
ENTRYPOINT ["devlogs"]
