# clinvk with Claude Code, Codex and Gemini CLI. How to run it: docs/docker.md. What is said of it there is tried by `bun run check:docker`.
# One Debian for all stages; its Node runs the agents that need one.
ARG DEBIAN=debian:trixie-slim

# Bun, from npm, at the version that package.json pins. A build behind a proxy or a mirror gives its npm settings as
# the secret `npmrc` and its certificates as the secret `ca`; nothing of either stays.
FROM ${DEBIAN} AS bun
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates npm \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY package.json ./
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    npm install --global --no-fund --no-audit "bun@$(node -p 'require("./package.json").devDependencies["@types/bun"]')" \
 && rm -rf /root/.npm

# The agents, at the versions that the tests pin.
FROM bun AS agents
WORKDIR /opt/agents
COPY tests/agents/package.json tests/agents/bun.lock ./
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    bun install --frozen-lockfile --ignore-scripts --linker=hoisted \
 && rm -rf node_modules/opencode-* /root/.bun

# clinvk, as one file.
FROM bun AS build
COPY bun.lock bunfig.toml ./
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    bun install --frozen-lockfile --production
COPY packaging packaging
COPY src src
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    bun run build

FROM ${DEBIAN}
LABEL org.opencontainers.image.title="clinvk" \
      org.opencontainers.image.description="One HTTP server for Claude Code, Codex and Gemini CLI" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="https://github.com/signalridge/clinvk"
# tini is the first process: agents leave orphans behind, and neither a shell nor Bun waits for those of others.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates git nodejs tini \
 && rm -rf /var/lib/apt/lists/* \
 # A folder that is mounted may belong to another user, and git would refuse it; there is one user here.
 && git config --system --add safe.directory '*' \
 && useradd --uid 1000 --user-group --create-home --shell /bin/bash clinvk \
 && install --directory --owner=clinvk --group=clinvk /workspace
COPY --from=agents /opt/agents /opt/agents
# The native Claude Code is called as it is; npm's wrapper of it needs an install script.
RUN ln -s /opt/agents/node_modules/@anthropic-ai/claude-code-linux-*/claude /usr/local/bin/claude \
 && ln -s /opt/agents/node_modules/@openai/codex/bin/codex.js /usr/local/bin/codex \
 && ln -s /opt/agents/node_modules/@google/gemini-cli/bundle/gemini.js /usr/local/bin/gemini \
 && claude --version && codex --version && gemini --version
COPY docker/entrypoint.sh docker/healthcheck.mjs /opt/clinvk/
COPY --from=build /build/dist/clinvk /usr/local/bin/clinvk
RUN clinvk version

# No agent may replace itself by a version that was not tried.
ENV HOME=/home/clinvk LANG=C.UTF-8 DISABLE_AUTOUPDATER=1
USER clinvk
# Logins, settings, histories and clinvk's sessions: all of it is below HOME, ~/.claude.json even beside its folder.
VOLUME /home/clinvk
WORKDIR /workspace
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 CMD ["node", "/opt/clinvk/healthcheck.mjs"]
ENTRYPOINT ["tini", "-s", "--", "/opt/clinvk/entrypoint.sh"]
CMD ["serve", "--host", "0.0.0.0"]
