#!/bin/sh
# A program for `rebootless-publish --sign-command`: signs with an ECDSA P-256 key in a PKCS#11 token (a smart card, an HSM,
# softhsm2). PKCS11_MODULE is the token's library, PKCS11_ID the key's id in it. The PIN is asked for on the terminal; PKCS11_PIN
# gives it where there is none. Ed25519 will not do here: pkcs11-tool hands a token more than 1 KB in pieces, which EdDSA cannot take.
set -eu
: "${PKCS11_MODULE:?names no library}" "${PKCS11_ID:?names no key}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
openssl dgst -sha256 -binary -out "$folder/digest"
pkcs11-tool --module "$PKCS11_MODULE" --login ${PKCS11_PIN:+--pin env:PKCS11_PIN} --id "$PKCS11_ID" --sign \
	--mechanism ECDSA --signature-format openssl --input-file "$folder/digest" --output-file "$folder/signature" >&2
cat "$folder/signature"
