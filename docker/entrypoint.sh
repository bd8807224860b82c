#!/bin/sh
# `docker run … clinvk serve` is clinvk's own command; an agent or a shell is run as it is, to log in with it.
case ${1-} in
  claude | codex | gemini | git | sh | bash) exec "$@" ;;
  *) exec clinvk "$@" ;;
esac
