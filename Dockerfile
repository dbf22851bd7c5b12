# Barnabas runs from its TypeScript sources: there is nothing to build, only dependencies to install.
#
#   docker build -t barnabas .
#
# For this machine alone. Inside a container it must listen on every address, and without TLS it does so only with
# --insecure: who may reach the ports is then decided by how they are published. The variable turns authentication on, and
# is handed over by its name so that the password is not in the command; leave it out and nothing asks for credentials.
#
#   export BARNABAS_ADMIN=admin:secret
#   docker run -e BARNABAS_ADMIN -p 127.0.0.1:9092:9092 -p 127.0.0.1:8082:8082 -v barnabas:/data barnabas \
#     --insecure --advertised localhost:9092
#
# For others: TLS, the administrator from a file, nothing insecure (docs/security.md).
#
#   docker run -v ./secrets:/secrets:ro -p 9092:9092 -p 8082:8082 -v barnabas:/data barnabas \
#     --admin-file /secrets/admin --tls-cert /secrets/cert.pem --tls-key /secrets/key.pem --advertised log.example.com:9092
#
# The health check asks over plain HTTP; with TLS give one of your own, or leave health to whoever runs the container.

FROM node:26-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:26-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=dependencies /app/node_modules ./node_modules
COPY . .
# Compiles the sources once, for every start.
RUN node bin/warm-up.js && install -d -o node -g node /data
USER node
# The folder of the log is ./data, which is /data here. Nothing says so: with --upstream that would be a contradiction.
WORKDIR /
ENV BARNABAS_KAFKA=0.0.0.0:9092 \
    BARNABAS_HTTP=0.0.0.0:8082
VOLUME /data
EXPOSE 9092 8082
# Alive, not ready: a long recovery is no reason to be killed.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8082/livez').then(answer => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# The exec form: SIGTERM reaches the process itself, which finishes what it has accepted.
ENTRYPOINT ["node", "/app/bin/barnabas.js"]
