#!/bin/sh
# A program for `rebootless-publish --sign-command`: signs with the private key in $SIGNING_KEYS/KEYID.pem, which
# `openssl genpkey -algorithm ed25519` made. A key service takes the place of the last line: it gets the bytes in $message
# and answers with the bare signature (64 bytes for Ed25519, DER for ECDSA P-256; `base64 -d` where it answers in base64).
set -eu
message=$(mktemp)
trap 'rm -f "$message"' EXIT
cat >"$message"
openssl pkeyutl -sign -rawin -inkey "${SIGNING_KEYS:?names no folder}/$1.pem" -in "$message"
