'use strict';

// The CometD project's own server for Node.js, on loopback.
// Usage: node cometd_server.js PORT COUNT RUN
// Publishes RUN:0 … RUN:COUNT-1 on /updates once somebody has subscribed, and tells on standard output
// where it listens, who subscribes and who leaves.

const http = require('http');
const cometd = require('cometd-nodejs-server');

const [port, count, run] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const hold = 20000; // longer than the test, so that nobody expires in it

const bayeux = cometd.createCometDServer({ timeout: hold, maxInterval: hold });
const server = http.createServer(bayeux.handle);
const updates = bayeux.createServerChannel('/updates');

function publish(next) {
  if (next === count) return;
  updates.publish(null, `${run}:${next}`);
  setImmediate(publish, next + 1);
}

updates.addListener('subscribed', () => {
  console.log('subscribed');
  setImmediate(publish, 0);
});
bayeux.addListener('sessionRemoved', (session, hasExpired) => {
  console.log(hasExpired ? 'expired' : 'disconnected');
});
process.on('SIGTERM', () => process.exit(0));
server.listen(port, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
