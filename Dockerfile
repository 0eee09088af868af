# The first stage packs the project as npm gets it and installs that tarball; the second one has what came of it and
# nothing else. With binaries in prebuilds/ (npm run prebuild) those are taken, else the addon is compiled.
#   docker build -t epoll-server .
#   docker run --read-only --publish 8080:8080 --volume ./public:/srv:ro epoll-server
ARG BUILD_IMAGE=node:24-bookworm
ARG RUN_IMAGE=node:24-bookworm-slim

FROM ${BUILD_IMAGE} AS package
WORKDIR /build
COPY . .
RUN npm ci --no-audit --no-fund \
 && npm pack --ignore-scripts=false --pack-destination /tmp \
 && npm install --prefix /app --ignore-scripts --no-audit --no-fund /tmp/epoll-server-*.tgz

FROM ${RUN_IMAGE}
COPY --from=package /app/node_modules /app/node_modules
WORKDIR /srv
EXPOSE 8080
# Any user without rights: the server writes nothing.
USER 65534:65534
STOPSIGNAL SIGTERM
# Process 1 is the server itself: it handles signals, and reaps what an application's children leave behind.
ENTRYPOINT ["node", "/app/node_modules/epoll-server/dist/epoll-server.js"]
CMD ["8080", "/srv", "--host", "0.0.0.0"]
