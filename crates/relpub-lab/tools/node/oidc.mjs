// An identity provider that speaks like GitHub Actions', in one process:
// - discovery, keys and tokens over TLS under GitHub's own issuer name;
// - the token endpoint of a runner (ACTIONS_ID_TOKEN_REQUEST_URL and _TOKEN), in
//   whose query any claim can be changed, such as &repository=acme/other;
// - a CONNECT proxy that leads the issuer's host name to the first of these and
//   refuses every other host, so that Fulcio finds the issuer unchanged.
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { OAuth2Server } from 'oauth2-mock-server';

const { OIDC_PORT, RUNNER_PORT, PROXY_PORT, ISSUER, TLS_KEY, TLS_CERT, CLAIMS, SECRET } = process.env;
const claims = JSON.parse(fs.readFileSync(CLAIMS));
const server = new OAuth2Server(TLS_KEY, TLS_CERT);
await server.issuer.keys.generate('RS256');
await server.start(+OIDC_PORT, '127.0.0.1');
server.issuer.url = ISSUER;

http.createServer(async (request, response) => {
  const query = new URL(request.url, 'http://runner').searchParams;
  if ((request.headers.authorization ?? '').toLowerCase() !== `bearer ${SECRET}`) {
    response.writeHead(401).end('{}');
    return;
  }
  const changed = Object.fromEntries(Object.keys(claims).filter(name => query.has(name)).map(name => [name, query.get(name)]));
  const now = Math.floor(Date.now() / 1000);
  const audience = query.get('audience') ?? `https://github.com/${claims.repository_owner}`;
  const value = await server.issuer.buildToken({
    scopesOrTransform: (_header, payload) => Object.assign(payload, claims, changed, {
      aud: audience, iat: now, nbf: now - 5, exp: now + 600, jti: crypto.randomUUID(),
    }),
  });
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ count: value.length, value }));
}).listen(+RUNNER_PORT, '127.0.0.1');

const issuerHost = `${new URL(ISSUER).host}:443`;
http.createServer((_request, response) => response.writeHead(403).end())
  .on('connect', (request, client, head) => {
    if (request.url !== issuerHost) {
      client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const upstream = net.connect(+OIDC_PORT, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
  }).listen(+PROXY_PORT, '127.0.0.1');
