# The four services, and the jobs that run once before them: one build stage, one small image each.
# Modes are set here, so that a checkout under any umask gives the same image.
#   docker build -f deploy/docker/services.Dockerfile --target ingest .
ARG BASE=debian:12-slim

FROM ${BASE} AS build
ENV DEBIAN_FRONTEND=noninteractive
WORKDIR /src
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/*
# The list of packages that ./muster itself installs to build.
COPY deploy/local/__init__.py deploy/local/packages.py deploy/local/process.py deploy/local/
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends \
      $(PYTHONPATH=deploy python3 -c 'from local.packages import BUILD; print(*BUILD)') \
 && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset release \
 && cmake --build --preset release --target muster-ingest muster-scanner muster-inventory muster-report \
 && cmake --install build/release --prefix /out --strip
RUN PYTHONPATH=deploy python3 -c 'from pathlib import Path; from local import demo; demo.write_osv(Path("/out/osv-demo"))'

FROM ${BASE} AS runtime
COPY deploy/docker/http-ready /usr/local/bin/
RUN chmod 0755 /usr/local/bin/http-ready \
 && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin muster

FROM runtime AS setup
RUN install -d -o muster -g muster -m 0700 \
      /run/secrets/webhook /run/secrets/evidence /run/secrets/database /run/secrets/inventory /run/secrets/report
COPY deploy/docker/make-secrets /usr/local/bin/
RUN chmod 0755 /usr/local/bin/make-secrets
USER 10001:10001
WORKDIR /run/secrets
ENTRYPOINT ["make-secrets"]

FROM runtime AS ingest
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends ca-certificates \
      libcurl4 libgnutls30 libjansson4 libmicrohttpd12 librdkafka1 libssl3 libyaml-0-2 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o muster -g muster /var/lib/muster/spool
COPY --from=build /out/bin/muster-ingest /usr/local/bin/
COPY deploy/docker/start-ingest /usr/local/bin/
RUN chmod 0755 /usr/local/bin/start-ingest
USER 10001:10001
EXPOSE 8081
ENTRYPOINT ["muster-ingest"]
CMD ["run"]

FROM runtime AS scanner
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends ca-certificates \
      libcurl4 libgnutls30 libisal2 libjansson4 libmicrohttpd12 librdkafka1 libseccomp2 libsqlite3-0 libssl3 libyaml-0-2 libzip4 libzstd1 \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o muster -g muster /var/lib/muster/vulnerabilities
COPY --from=build /out/osv-demo /usr/share/muster/osv-demo
COPY --from=build /out/bin/muster-scanner /usr/local/bin/
COPY deploy/docker/build-vulnerabilities /usr/local/bin/
RUN chmod 0755 /usr/local/bin/build-vulnerabilities
USER 10001:10001
EXPOSE 8082
ENTRYPOINT ["muster-scanner"]
CMD ["run"]

FROM runtime AS inventory
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends ca-certificates \
      libcurl4 libgnutls30 libjansson4 libmicrohttpd12 libpq5 librdkafka1 libssl3 libyaml-0-2 libzstd1 \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o muster -g muster /var/lib/muster/evidence
COPY --from=build /out/bin/muster-inventory /usr/local/bin/
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["muster-inventory"]
CMD ["run"]

FROM runtime AS report
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends ca-certificates \
      libcurl4 libexpat1 libjansson4 libpq5 libsqlite3-0 libssl3 libxlsxwriter4 libyaml-0-2 libzip4 libzstd1 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o muster -g muster /packages
COPY --from=build /out/bin/muster-report /usr/local/bin/
USER 10001:10001
ENTRYPOINT ["muster-report"]
CMD ["--help"]
