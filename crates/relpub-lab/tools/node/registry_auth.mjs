// GHCR's shape before a registry with "auth: token": one address that hands out
// bearer tokens at /token and passes everything else to the registry behind it.
// octocat:ghp_lab may push and pull; nobody in particular may pull; wrong credentials get 403.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';

const { OCI_AUTH_PORT, OCI_AUTH_BACK_PORT } = process.env;
const users = { octocat: 'ghp_lab' };
const key = fs.readFileSync('token.key');
const x5c = [fs.readFileSync('token.pem', 'utf8').split('-----')[2].replace(/\s/g, '')];
const encode = value => Buffer.from(JSON.stringify(value)).toString('base64url');

function sign(claims) {
  const text = `${encode({ alg: 'ES256', typ: 'JWT', x5c })}.${encode(claims)}`;
  return `${text}.${crypto.sign('sha256', text, { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

function token(request, query) {
  const [kind, value] = (request.headers.authorization ?? '').split(' ');
  let user = '';
  if (kind.toLowerCase() === 'basic') {
    const [name, ...password] = Buffer.from(value, 'base64').toString().split(':');
    if (users[name] !== password.join(':')) return [403, { errors: [{ code: 'DENIED', message: 'denied' }] }];
    user = name;
  }
  const access = query.getAll('scope').flatMap(scopes => scopes.split(' ')).filter(Boolean).map(scope => {
    const [, type, name, actions] = /^([^:]*):(.*):([^:]*)$/.exec(scope);
    return { type, name, actions: actions.split(',').filter(action => user || action === 'pull') };
  });
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'lab', aud: query.get('service') ?? 'lab', sub: user, iat: now, nbf: now - 5, exp: now + 300, access };
  return [200, { token: sign(claims), expires_in: 300 }];
}

http.createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://registry');
  if (pathname === '/token') {
    const [status, body] = token(request, searchParams);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    return;
  }
  const { method, headers, url: path } = request;
  request.pipe(http.request({ host: '127.0.0.1', port: +OCI_AUTH_BACK_PORT, method, headers, path }, answer => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  }).on('error', () => response.writeHead(502).end()));
}).listen(+OCI_AUTH_PORT, '127.0.0.1');
