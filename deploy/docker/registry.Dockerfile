# Debian's docker-registry, which tells ingest of every push.
ARG BASE=debian:12-slim

FROM ${BASE} AS registry
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends docker-registry \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin muster \
 && install -d -o muster -g muster /var/lib/muster/registry
COPY deploy/docker/registry.yml /etc/muster/
COPY deploy/docker/start-registry deploy/docker/http-ready /usr/local/bin/
RUN chmod -R a+rX /etc/muster && chmod 0755 /usr/local/bin/*
USER 10001:10001
EXPOSE 5000
ENTRYPOINT ["start-registry"]
