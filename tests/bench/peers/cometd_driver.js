// npm `cometd` with cometd-nodejs-client, by the CometD project. Usage and output: driver.js.

import { adapt } from 'cometd-nodejs-client';
import { CometD } from 'cometd';
import * as driver from './driver.js';

adapt();
const cometd = new CometD();
cometd.unregisterTransport('websocket');
cometd.unregisterTransport('callback-polling');

const requestHeaders = { Authorization: driver.authorization() };
cometd.configure({ url: driver.endpoint, appendMessageTypeToURL: false, requestHeaders, logLevel: 'warn' });

cometd.registerExtension('replay', {
  incoming(message) {
    driver.position.incoming(message);
    return message;
  },
  outgoing(message) {
    driver.position.outgoing(message);
    return message;
  },
});
cometd.registerExtension('token', {
  incoming(reply) {
    if (driver.isUnauthorized(reply)) {
      driver.renewToken();
      requestHeaders.Authorization = driver.authorization();
    }
    return reply;
  },
});

function subscribe() {
  cometd.subscribe(
    driver.channel,
    (message) => driver.consume(message.data),
    (reply) => {
      if (!driver.hasHandlers || !driver.isPositionRefused(reply)) return;
      driver.position.replayId = -2;
      subscribe();
    },
  );
}

// Subscriptions end with the session: the library's manual says to subscribe in this listener.
cometd.addListener('/meta/handshake', (reply) => {
  if (reply.successful) subscribe();
});

if (driver.hasHandlers) {
  // The library has given up when all that belongs to the failure is done.
  cometd.addListener('/meta/unsuccessful', () => {
    setImmediate(() => {
      if (cometd.isDisconnected()) cometd.handshake();
    });
  });
}

cometd.handshake();
