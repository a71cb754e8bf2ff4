# The Kafka broker from the jars that deploy/kafka pins, each held against its SHA-256 before it is copied.
ARG BASE=debian:12-slim

FROM ${BASE} AS jars
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends ca-certificates maven openjdk-17-jre-headless python3 \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY deploy/kafka deploy/kafka
COPY deploy/local/__init__.py deploy/local/kafka.py deploy/local/process.py deploy/local/
# The same code as ./muster: Maven copies, SHA256SUMS decides; a jar it does not name may not be there either.
RUN PYTHONPATH=deploy python3 -c 'from local.kafka import fetch_jars; fetch_jars("/out")' \
 && cd /out/kafka-jars \
 && sha256sum --check --strict --quiet /src/deploy/kafka/SHA256SUMS \
 && test "$(ls | wc -l)" = "$(wc -l < /src/deploy/kafka/SHA256SUMS)"

FROM ${BASE} AS kafka
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends openjdk-17-jre-headless \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin muster \
 && install -d -o muster -g muster /var/lib/muster/kafka
COPY --from=jars /out/kafka-jars /opt/kafka
COPY deploy/kafka/server.properties deploy/kafka/log4j2.yaml /etc/muster/kafka/
COPY deploy/docker/start-kafka /usr/local/bin/
RUN chmod -R a+rX /etc/muster && chmod 0755 /usr/local/bin/*
USER 10001:10001
EXPOSE 9092
ENTRYPOINT ["start-kafka"]
