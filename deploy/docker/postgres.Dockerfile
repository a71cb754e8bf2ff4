# Debian's PostgreSQL 15. The user is made first, so that the package takes it and its number is known.
ARG BASE=debian:12-slim

FROM ${BASE} AS postgres
RUN useradd --uid 10001 --user-group --home-dir /var/lib/postgresql --no-create-home --shell /usr/sbin/nologin postgres \
 && install -d /etc/postgresql-common \
 && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
 && apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends postgresql-15 \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o postgres -g postgres -m 0700 /var/lib/muster/postgres
COPY deploy/docker/start-postgres /usr/local/bin/
COPY deploy/docker/pg_hba.conf /etc/muster/
RUN chmod -R a+rX /etc/muster && chmod 0755 /usr/local/bin/*
USER 10001:10001
EXPOSE 5432
STOPSIGNAL SIGINT
ENTRYPOINT ["start-postgres"]
