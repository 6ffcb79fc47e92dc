'use strict';

// faye's server, on loopback. Usage and output as of cometd_server.js.

const http = require('http');
const faye = require('faye');

const [port, count, run] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const hold = 20; // seconds

const bayeux = new faye.NodeAdapter({ mount: '/bayeux', timeout: hold });
const server = http.createServer();
bayeux.attach(server);

async function publish() {
  for (let next = 0; next < count; next += 1) {
    await bayeux.getClient().publish('/updates', `${run}:${next}`);
  }
}

bayeux.on('subscribe', (client, channel) => {
  if (channel !== '/updates') return;
  console.log('subscribed');
  setImmediate(publish);
});
bayeux.on('disconnect', () => console.log('disconnected'));
process.on('SIGTERM', () => process.exit(0));
server.listen(port, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
