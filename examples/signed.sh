# Sourced by a shell: calls of the exchange with curl, each signed with an Ed25519 key (docs/services/gateway.md).
#
#   eval "$(.venv/bin/python -m e2e.cluster env)"
#   . examples/signed.sh
#   signed alice GET /positions/1001
#
# OUTCRY_URL is the gateway, OUTCRY_CA the certificate to trust there, OUTCRY_KEYS the folder with alice.pem.

signed() { # USER METHOD PATH [BODY]
    local now text signature
    now=$(date +%s%3N)
    text=$(mktemp) || return
    printf 'OUTCRY1\n%s\n5000\n%s\n%s\n%s' "$now" "$2" "$3" "${4-}" >"$text"
    signature=$(openssl pkeyutl -sign -rawin -inkey "$OUTCRY_KEYS/$1.pem" -in "$text" | base64 -w0)
    rm -f "$text"
    curl --silent --show-error --cacert "$OUTCRY_CA" --request "$2" "$OUTCRY_URL$3" \
        --header "outcry-key: $1" --header "outcry-timestamp: $now" --header 'outcry-window: 5000' \
        --header "outcry-signature: $signature" \
        ${4:+--header 'content-type: application/json' --data-binary "$4"}
    echo
}
