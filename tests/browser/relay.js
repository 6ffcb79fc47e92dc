// Stands between the agent and its hub, and lets a test spoil what passes.

import http from 'node:http';
import { once } from 'node:events';

// Ends at one connection only, and says nothing of what it carries.
const connectionHeaders = ['connection', 'keep-alive', 'transfer-encoding', 'content-length'];

function without(headers, names) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}

function changed(value, change) {
  if (Array.isArray(value)) return value.map((each) => changed(each, change));
  if (value === null || typeof value !== 'object') return value;
  const whole = Object.fromEntries(Object.entries(value).map(([name, each]) => [name, changed(each, change)]));
  return 'attributes' in whole ? change(whole) : whole;
}

/**
 * Starts a relay to `target` (http://HOST:PORT). Records of queries pass through `change`, which answers them as they shall be.
 * @param {(record: object) => object} [change]
 * @returns {Promise<{url: string, refuse: () => void, admit: () => void, close: () => Promise<void>}>} after refuse() every
 *   connection is reset instead of answered, until admit()
 */
export async function startRelay(target, change = (record) => record) {
  let isOpen = true;
  const server = http.createServer((request, response) => {
    const fail = () => response.destroy();
    if (!isOpen) return fail();
    // The Host header stays: the hub tells logins to come to the address that they asked. What is rewritten must not be packed.
    const headers = without(request.headers, [...connectionHeaders, 'accept-encoding']);
    const asked = http.request(new URL(request.url, target), { method: request.method, headers, agent: false }, (answer) => {
      const isRows = /\/query/.test(request.url) && /json/.test(answer.headers['content-type'] ?? '');
      answer.on('error', fail);
      if (!isRows) {
        response.writeHead(answer.statusCode, without(answer.headers, connectionHeaders));
        response.flushHeaders();
        answer.pipe(response);
        return;
      }
      const pieces = [];
      answer.on('data', (piece) => pieces.push(piece));
      answer.on('end', () => {
        if (!isOpen) return fail();
        const body = JSON.stringify(changed(JSON.parse(Buffer.concat(pieces).toString()), change));
        response.writeHead(answer.statusCode, without(answer.headers, connectionHeaders));
        response.end(body);
      });
    });
    asked.on('error', fail);
    response.on('close', () => asked.destroy());
    request.pipe(asked);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    refuse() {
      isOpen = false;
      server.closeAllConnections();
    },
    admit() {
      isOpen = true;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}
