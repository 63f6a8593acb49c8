#!/usr/bin/env bash
# Makes the keys and certificates of the lab's Sigstore in the current folder.
#   keys.sh ISSUER_HOST
set -euo pipefail
host=$1

key() { openssl ecparam -name "$1" -genkey -noout; }
locked() { openssl ec -in "$1" -aes256 -passout pass:lab -out "$2" 2>/dev/null; }

# authority NAME PATH_LENGTH: NAME.key and its self-signed NAME.pem
authority() {
  openssl req -x509 -new -key "$1.key" -sha384 -days 3650 -subj "/O=lab/CN=lab-$1" -out "$1.pem" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:$2" -addext 'keyUsage=critical,keyCertSign,cRLSign'
}

# issue AUTHORITY KEY NAME EXTENSIONS [KEY_PASSWORD]: a certificate on standard output
issue() {
  openssl req -new -key "$2" ${5:+-passin "pass:$5"} -subj "/O=lab/CN=lab-$3" |
    openssl x509 -req -CA "$1.pem" -CAkey "$1.key" -CAcreateserial -days 3600 -sha384 \
      -extfile <(printf '%b' "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n$4\n") 2>/dev/null
}

key secp384r1 >fulcio-root.key
authority fulcio-root 1
key secp384r1 >fulcio-int.plain
locked fulcio-int.plain fulcio-int.key
issue fulcio-root fulcio-int.plain fulcio-intermediate \
  'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nextendedKeyUsage=codeSigning' >fulcio-int.pem
cat fulcio-int.pem fulcio-root.pem >fulcio-chain.pem

key secp384r1 >tsa-root.key
authority tsa-root 0
key prime256v1 | openssl pkcs8 -topk8 -v2 aes-256-cbc -passout pass:lab -out tsa.key
issue tsa-root tsa.key tsa \
  'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping' lab >tsa.pem
cat tsa.pem tsa-root.pem >tsa-chain.pem

for log in rekor1 rekor2; do
  key prime256v1 | openssl pkcs8 -topk8 -nocrypt -out $log.key
  openssl ec -in $log.key -pubout -out $log.pub 2>/dev/null
done
key prime256v1 >ct.plain
locked ct.plain ct.key
openssl ec -in ct.plain -pubout -out ct.pub 2>/dev/null

key prime256v1 >tls-ca.key
authority tls-ca 0
key prime256v1 >tls.key
issue tls-ca tls.key localhost \
  "subjectAltName=DNS:$host,DNS:localhost,DNS:*.lab.localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth" >tls.pem
