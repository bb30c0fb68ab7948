#!/bin/sh
# Installs redis-server, which the tests of the shared store start, where it is missing. Does and says
# nothing where it is there.
set -eu

if command -v redis-server >/dev/null 2>&1; then
    exit 0
fi

fail() {
    echo "redis-server is missing, and the tests need it: $1" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        fail "run \`$*\` as root"
    fi
}

echo "installing redis-server, which the tests need (Debian's package also starts one, which they do not use)" >&2
case "$(uname -s)" in
Linux)
    command -v apt-get >/dev/null 2>&1 || fail "install Redis 7 with your system's packages"
    install() {
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends redis-server
    }
    install || { as_root apt-get update --quiet && install; } || fail "apt-get could not install it"
    ;;
Darwin)
    command -v brew >/dev/null 2>&1 || fail "install Homebrew (https://brew.sh), then \`brew install redis\`"
    brew install redis || fail "brew could not install it"
    ;;
*)
    fail "install Redis 7 for your system"
    ;;
esac
command -v redis-server >/dev/null 2>&1 || fail "it was installed, but is not in the PATH"
